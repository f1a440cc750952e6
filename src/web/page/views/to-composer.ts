/** Leads the keyboard to the box for the next message; on a touch screen its keyboard would cover the page. */
export function toComposer(): void {
  if (matchMedia('(hover: hover)').matches) document.getElementById('composer')?.focus({ preventScroll: true });
}
