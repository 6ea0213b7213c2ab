/** A view that is drawn again for other props alone, whatever is drawn around it. */

import { Component, h, type ComponentType, type FunctionComponent } from "preact";

export function memo<Props extends object>(View: FunctionComponent<Props>): ComponentType<Props> {
  return class extends Component<Props> {
    override shouldComponentUpdate(next: Props): boolean {
      return differ(this.props, next);
    }

    override render() {
      return h(View, this.props);
    }
  };
}

function differ<Props extends object>(before: Props, after: Props): boolean {
  const names = Object.keys(after) as (keyof Props)[];
  return names.length !== Object.keys(before).length || names.some((name) => before[name] !== after[name]);
}
