// A component's script as the app sends it (vislrp_ui/components/assets.py), with some of its functions to be called by a test.
import { existsSync, readFileSync } from "node:fs";

const FOLDER = new URL("../../vislrp_ui/components/", import.meta.url);

export async function functionsOf(name, parts, names, silenced = []) {
  const files = [...parts, name].map((part) => new URL(`${part}.js`, FOLDER)).filter((file) => existsSync(file));
  const silence = silenced.map((one) => `${one} = () => {};`);
  const text = [...files.map((file) => readFileSync(file, "utf8")), ...silence, `export { ${names.join(", ")} };`].join("\n");
  return import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
}
