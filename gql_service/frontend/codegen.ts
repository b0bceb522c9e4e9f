import type { CodegenConfig } from "@graphql-codegen/cli";

/** Typed documents of the console's operations, which stand beside their pages in `.graphql` files. */
const config: CodegenConfig = {
  schema: "../../schema.graphql",
  documents: "src/console/**/*.graphql",
  generates: {
    "src/console/generated/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        strictScalars: true,
        scalars: {
          _Any: "unknown",
          DateTime: "string",
          Number: "number",
          JSON: "unknown",
          JSONObject: "Record<string, unknown>",
          Timestamp: "number",
        },
        useTypeImports: true,
        enumsAsTypes: true,
      },
    },
  },
};

export default config;
