// Light, dark or as the system: a cookie that the server reads before the first paint.
const YEAR_S = 31_536_000;

export function watchTheme(): void {
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-theme-set]");
    if (!button) return;
    event.preventDefault();
    const theme = button.dataset.themeSet!;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    if (theme === "system") {
      delete document.documentElement.dataset.theme;
      document.cookie = `ostiary_theme=; Path=/; Max-Age=0; SameSite=Lax${secure}`;
    } else {
      document.documentElement.dataset.theme = theme;
      document.cookie = `ostiary_theme=${theme}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax${secure}`;
    }
    for (const other of document.querySelectorAll("[data-theme-set][aria-pressed]")) {
      other.setAttribute("aria-pressed", String((other as HTMLElement).dataset.themeSet === theme));
    }
  });
}
