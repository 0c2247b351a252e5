/** As far as it is used here: the package needs Node 22, and brings more than this library and all its tests. */
declare module '@mastra/core/tools' {
  export function createTool<Options extends object>(options: Options): Options;
}
