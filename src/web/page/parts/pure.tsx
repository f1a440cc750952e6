/** A component that renders again only when one of its properties is another one. */
import { Component, type ComponentChildren } from 'preact';

export function pure<Props extends object>(view: (props: Props) => ComponentChildren, name: string) {
  return class Pure extends Component<Props> {
    static override displayName = name;

    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      const before = this.props as Readonly<Record<string, unknown>>;
      const after = next as Readonly<Record<string, unknown>>;
      const keys = Object.keys(after);
      return keys.length !== Object.keys(before).length || keys.some((key) => before[key] !== after[key]);
    }

    override render(props: Props): ComponentChildren {
      return view(props);
    }
  };
}
