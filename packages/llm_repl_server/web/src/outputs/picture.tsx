/** A picture: on a light ground in both themes, in the column's width, and as large as it is on a click. */

import { useRef, useState } from "preact/hooks";
import { Icon } from "../ui/icon.tsx";

interface Props {
  readonly address: string;
  readonly alt: string;
  /** In pixels, where the output says so: a picture for fine screens is half as wide as it has dots. */
  readonly width?: number | undefined;
}

export function Picture({ address, alt, width }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isLarge, setIsLarge] = useState(false);
  const [isBroken, setIsBroken] = useState(false);
  if (isBroken) return <p class="note">This picture is damaged: {alt}</p>;
  return (
    <figure class="plate">
      <button
        class="zooms"
        aria-label={`${alt}: show it large`}
        onClick={() => {
          setIsLarge(true);
          dialog.current?.showModal();
        }}
      >
        <img src={address} alt={alt} width={width} decoding="async" onError={() => setIsBroken(true)} />
      </button>
      <dialog
        ref={dialog}
        class="large-picture"
        aria-label={alt}
        onClose={() => setIsLarge(false)}
        onClick={() => dialog.current?.close()}
        onKeyDown={(event) => event.stopPropagation()}
      >
        <button class="button only-icon" aria-label="Close">
          <Icon name="x" />
        </button>
        {isLarge && <img src={address} alt={alt} />}
      </dialog>
    </figure>
  );
}
