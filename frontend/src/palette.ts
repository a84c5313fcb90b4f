// Search or jump to: Ctrl K or Cmd K.
const mac = /Mac|iPhone|iPad/.test(navigator.platform);

export function watchPalette(): void {
  const dialog = document.querySelector<HTMLDialogElement>("#palette");
  const input = dialog?.querySelector("input");
  if (!dialog || !input) return;
  const links = [...dialog.querySelectorAll<HTMLAnchorElement>("a[role=option]")];
  const search = dialog.querySelector<HTMLAnchorElement>("[data-search]")!;
  const shown = () => links.filter((link) => !link.parentElement!.hidden);
  if (mac) for (const key of document.querySelectorAll("[data-mod]")) key.textContent = "⌘ K";

  function choose(link: HTMLAnchorElement | undefined): void {
    for (const other of links) other.setAttribute("aria-selected", String(other === link));
    if (link) {
      input!.setAttribute("aria-activedescendant", link.id);
      link.scrollIntoView({ block: "nearest" });
    } else input!.removeAttribute("aria-activedescendant");
  }

  function narrow(): void {
    const term = input!.value.trim().toLowerCase();
    for (const link of links) link.parentElement!.hidden = link !== search && !link.textContent!.toLowerCase().includes(term);
    search.parentElement!.hidden = !term;
    search.querySelector("[data-term]")!.textContent = input!.value.trim();
    search.href = `/search?q=${encodeURIComponent(input!.value.trim())}`;
    choose(shown()[0]);
  }

  function open(): void {
    if (dialog!.open) return;
    input!.value = "";
    narrow();
    dialog!.showModal();
  }

  input.addEventListener("input", narrow);
  dialog.addEventListener("keydown", (event) => {
    const all = shown();
    const at = all.findIndex((link) => link.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(all[(at + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      all[at]?.click();
    }
  });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    } else if (event.key === "/" && !event.ctrlKey && !(event.target as Element).matches("input, textarea, select")) {
      event.preventDefault();
      open();
    }
  });
  document.querySelector("[data-palette]")?.addEventListener("mousedown", (event) => {
    event.preventDefault();
    open();
  });
}
