// @vercel/ncc has no types of its own; these are of its readme, "Programmatically From Node.js".
declare module "@vercel/ncc" {
  interface Options {
    readonly cache: boolean;
    readonly esm: boolean;
    readonly filename: string;
    readonly externals: Readonly<Record<string, string>>;
    readonly license: string;
    readonly target: string;
    readonly quiet: boolean;
  }
  export interface Bundle {
    readonly code: string;
    readonly assets: Readonly<Record<string, { readonly source: string | Buffer }>>;
  }
  export default function ncc(entry: string, options: Options): Promise<Bundle>;
}
