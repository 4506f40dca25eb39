// Rules for the components' scripts. A script is checked as the app sends it: after the parts that it builds on.
import { readFileSync } from "node:fs";

import js from "@eslint/js";
import globals from "globals";

// Of the parts that several scripts share, each script needs some functions only.
const shared = ["nodes", "outbox", "picks", "large", "ruler_rows"].flatMap((name) => {
  const text = readFileSync(new URL(`../../vislrp_ui/components/${name}.js`, import.meta.url), "utf8");
  return [...text.matchAll(/^(?:function|class|const) (\w+)/gm)].map((found) => found[1]);
});

export default [
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: globals.browser },
    rules: {
      eqeqeq: "error",
      "no-unused-vars": ["error", { varsIgnorePattern: `^(?:${shared.join("|")})$` }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
];
