/** How the page looks: kept in this browser. */

import { textSize } from "../store/look.ts";
import { theme } from "../store/theme.ts";
import { Segments } from "../ui/segments.tsx";

export function Look() {
  return (
    <section id="look">
      <h2>Look</h2>
      <div class="setting">
        <span>Theme</span>
        <Segments
          label="Theme"
          value={theme.value}
          options={[["system", "System", "screen"], ["light", "Light", "sun"], ["dark", "Dark", "moon"]]}
          onChange={(value) => (theme.value = value)}
        />
      </div>
      <div class="setting">
        <span>Size of texts</span>
        <div>
          <Segments
            label="Size of texts"
            value={textSize.value}
            options={[["small", "Small"], ["normal", "Normal"], ["large", "Large"]]}
            onChange={(value) => (textSize.value = value)}
          />
          <span>for a projector, take Large</span>
        </div>
      </div>
    </section>
  );
}
