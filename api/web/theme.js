// Runs before the first paint, so that a chosen theme never flashes the other one.
const chosenTheme = localStorage.getItem("klieg.theme");
if (chosenTheme === "light" || chosenTheme === "dark") document.documentElement.dataset.theme = chosenTheme;
