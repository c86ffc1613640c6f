// A button that makes the page dark or light, whatever the system prefers.

const systemIsDark = window.matchMedia("(prefers-color-scheme: dark)");
const themeButton = button("", () => {
  document.documentElement.dataset.theme = pageIsDark() ? "light" : "dark";
  nameThemeButton();
});

function pageIsDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : systemIsDark.matches;
}

function nameThemeButton() {
  themeButton.textContent = pageIsDark() ? "Light" : "Dark";
}

systemIsDark.addEventListener("change", nameThemeButton);
nameThemeButton();
pageTools.append(themeButton);
