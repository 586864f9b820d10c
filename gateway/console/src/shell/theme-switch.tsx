import { Switch } from "../parts/filters.tsx";
import { chooseTheme, type Theme, useTheme } from "./theme.ts";

const OPTIONS: readonly { readonly value: Theme; readonly text: string }[] = [
  { value: "light", text: "Light" },
  { value: "dark", text: "Dark" },
  { value: "system", text: "Auto" },
];

export function ThemeSwitch() {
  return <Switch label="Colours" value={useTheme()} options={OPTIONS} onChange={chooseTheme} />;
}
