// Approving what is of high risk takes a deliberate act: the button is held for a second, with the pointer or with Space or Enter.
const HOLD_MS = 1000;
let timer = 0;
let held: HTMLButtonElement | null = null;

function begin(button: HTMLButtonElement): void {
  const form = button.form;
  if (held || !form) return;
  const missing = form.querySelector<HTMLInputElement>("input[required]:invalid, input[name=second_factor]:invalid");
  if (missing) {
    setTimeout(() => {
      missing.focus(); // after the press has put the focus on the button
      missing.reportValidity();
    });
    return;
  }
  held = button;
  button.setAttribute("data-held", "");
  timer = window.setTimeout(() => {
    const confirm = form.elements.namedItem("confirm");
    if (confirm instanceof HTMLInputElement) confirm.value = "approve";
    end();
    button.setAttribute("aria-busy", "true");
    form.requestSubmit();
  }, HOLD_MS);
}

function end(): void {
  clearTimeout(timer);
  held?.removeAttribute("data-held");
  held = null;
}

const isHold = (target: EventTarget | null): HTMLButtonElement | null =>
  target instanceof Element ? target.closest<HTMLButtonElement>("button[data-hold]") : null;

export function watchHolds(): void {
  document.addEventListener("pointerdown", (event) => {
    const button = isHold(event.target);
    if (button && event.button === 0) begin(button);
  });
  for (const name of ["pointerup", "pointercancel"] as const) document.addEventListener(name, end);
  addEventListener("blur", end); // the window's own: the viewer went elsewhere
  document.addEventListener("pointerout", (event) => {
    if (held && isHold(event.target) === held && !held.contains(event.relatedTarget as Node | null)) end();
  });
  document.addEventListener("keydown", (event) => {
    const button = isHold(event.target);
    if (!button || (event.key !== " " && event.key !== "Enter")) return;
    event.preventDefault();
    if (!event.repeat) begin(button);
  });
  document.addEventListener("keyup", end);
  document.addEventListener("contextmenu", (event) => isHold(event.target) && event.preventDefault());
}
