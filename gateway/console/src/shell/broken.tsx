import { Component, type ReactNode } from "react";

/** Instead of an empty window: a page whose code cannot be read any more, as after an update of the gateway, or that fails while it is drawn. */
export class Broken extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children;
    return (
      <div className="failure" role="alert">
        <strong>This page cannot be shown</strong>
        <p>The gateway was updated since the console was opened, or the page has a fault. Nothing was changed by this.</p>
        <button type="button" onClick={() => location.reload()}>
          Load it again
        </button>
      </div>
    );
  }
}
