/** Highlighted code as a tree, never as HTML. */
export type CodeNode = string | { readonly scope: string; readonly children: readonly CodeNode[] };
