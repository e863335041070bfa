import { posix } from 'node:path';

/**
 * Who may import whom (design §2), as one table. A file belongs to the first layer whose pattern it matches; a layer may
 * import itself only where it says so.
 */
export interface Layer {
  readonly name: string;
  readonly files: RegExp;
  readonly mayImport: readonly string[];
  /** Layers of which it may import types only: it implements them. */
  readonly mayImportTypesOf?: readonly string[];
  /** Packages and Node modules. */
  readonly packages: RegExp;
}

export const LAYERS: readonly Layer[] = [
  {
    name: 'names',
    files: /^lib\/domain\/(names|routes|terms|lifecycle-event)\.ts$/,
    mayImport: ['names'],
    packages: /^$/,
  },
  {
    name: 'domain',
    files: /^lib\/domain\//,
    mayImport: ['domain', 'names'],
    // Pure computing; nothing that reaches out.
    packages: /^(node:(crypto|util|zlib)|ulid)$/,
  },
  { name: 'providers', files: /^lib\/providers\//, mayImport: ['providers', 'domain', 'names'], packages: /^$/ },
  { name: 'ports', files: /^lib\/service\/ports\.ts$/, mayImport: ['domain', 'names'], packages: /^$/ },
  {
    name: 'service',
    files: /^lib\/service\//,
    mayImport: ['service', 'ports', 'providers', 'domain', 'names'],
    packages: /^(node:(crypto|util)|ulid)$/,
  },
  {
    name: 'aws',
    files: /^lib\/aws\//,
    mayImport: ['aws', 'providers', 'domain', 'names'],
    mayImportTypesOf: ['ports'],
    packages: /^(@aws-sdk\/|zod\/mini$|node:)/,
  },
  {
    name: 'oauth',
    files: /^lib\/oauth\//,
    mayImport: ['oauth', 'providers', 'domain', 'names'],
    mayImportTypesOf: ['ports'],
    packages: /^(zod\/mini$|node:)/,
  },
  {
    name: 'runtime',
    files: /^lib\/runtime\//,
    mayImport: ['runtime', 'service', 'oauth', 'aws', 'ports', 'providers', 'domain', 'names'],
    packages: /^(@middy\/core$|@aws-lambda-powertools\/|aws-lambda$|zod\/mini$|ulid$|node:)/,
  },
  {
    name: 'client',
    files: /^lib\/client\//,
    mayImport: ['client', 'providers', 'domain', 'names'],
    packages: /^(@aws-sdk\/client-lambda$|@middy\/core$|aws-lambda$|node:)/,
  },
  {
    name: 'functions',
    files: /^functions\//,
    mayImport: ['runtime', 'service', 'ports', 'providers', 'domain', 'names'],
    packages: /^(zod\/mini$|aws-lambda$|node:crypto$)/,
  },
  {
    name: 'infra',
    files: /^infra\//,
    mayImport: ['infra', 'names'],
    packages: /^(aws-cdk-lib|constructs|esbuild|cdk-nag|zod|node:)/,
  },
  {
    name: 'ops',
    files: /^ops\//,
    mayImport: ['ops', 'runtime', 'service', 'oauth', 'ports', 'aws', 'providers', 'domain', 'names'],
    packages: /^(@aws-sdk\/|ulid$|zod\/mini$|node:)/,
  },
  {
    name: 'local',
    // It runs what the template says and knows the product by names and by its processes. The store and the issuing of a
    // key are there to fill the tables before anything runs.
    files: /^local\//,
    mayImport: ['local', 'service', 'aws', 'domain', 'names'],
    packages: /./,
  },
];

interface Import {
  readonly specifier: string;
  readonly isTypeOnly: boolean;
}

/** What a dynamic import of a computed name is told as. */
const COMPUTED = '(computed)';

/**
 * Every fault, one line each, in order of files: a file in no layer, an import its layer may not have, an import of
 * nothing, and every circle. Types count like values: what only types connect is connected to a reader too.
 */
export function faultsIn(sources: ReadonlyMap<string, string>): string[] {
  const files = [...sources.keys()].toSorted();
  const imports = new Map(files.map((file) => [file, findImports(sources.get(file) ?? '')]));
  const ofFiles = files.flatMap((file) => faultsOf(file, imports.get(file) ?? [], sources));
  const edges = new Map(
    [...imports].map(([file, found]) => [file, found.map((each) => targetOf(file, each.specifier))]),
  );
  return [...ofFiles, ...circlesIn(edges)];
}

/** The specifiers a source imports, in order, whatever the form of the import. */
export function importsOf(source: string): string[] {
  return findImports(source).map(({ specifier }) => specifier);
}

function faultsOf(file: string, imports: readonly Import[], sources: ReadonlyMap<string, string>): string[] {
  const layer = layerOf(file);
  if (layer === undefined) return [`${file} is in no layer`];
  return imports.flatMap(({ specifier, isTypeOnly }) => {
    const target = targetOf(file, specifier);
    const problem =
      target === undefined ? packageProblem(layer, specifier) : fileProblem(layer, target, isTypeOnly, sources);
    return problem === undefined ? [] : [`${file} imports ${target ?? specifier}: ${problem}`];
  });
}

function packageProblem(layer: Layer, specifier: string): string | undefined {
  return layer.packages.test(specifier) ? undefined : `${layer.name} may not import this package`;
}

function fileProblem(
  layer: Layer,
  target: string,
  isTypeOnly: boolean,
  sources: ReadonlyMap<string, string>,
): string | undefined {
  if (!sources.has(target)) return 'no such file';
  const imported = layerOf(target);
  if (imported === undefined || layer.mayImport.includes(imported.name)) return undefined;
  const isImplemented = layer.mayImportTypesOf?.includes(imported.name) ?? false;
  if (isImplemented) return isTypeOnly ? undefined : `${layer.name} may import only the types of ${imported.name}`;
  return `${layer.name} may not import ${imported.name}`;
}

function layerOf(file: string): Layer | undefined {
  return LAYERS.find(({ files }) => files.test(file));
}

/** The file a relative specifier means; undefined for packages. */
function targetOf(file: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : undefined;
}

const STRING = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/.source;
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//.source;
/** Static (with bindings, bare, re-exported), or dynamic, `require`, and the type form `import('…')`. */
const IMPORT =
  /\b(?:import|export)\s+(?<bindings>(?:type\s+)?[\w$*{},\s]*?)\s*\bfrom\s*['"](?<from>[^'"]+)['"]|\bimport\s*['"](?<bare>[^'"]+)['"]|(?<![.\w$])(?:import|require)\s*\(\s*(?:['"](?<called>[^'"]+)['"]|(?=[^'"\s)]))/g;

function findImports(source: string): Import[] {
  // Strings are stepped over, so that `https://` in one does not look like a comment.
  const code = source.replace(new RegExp(`${STRING}|${COMMENT}`, 'g'), (found) =>
    /^\/[/*]/.test(found) ? ' ' : found,
  );
  return [...code.matchAll(IMPORT)].map(({ groups = {} }) => ({
    specifier: groups.from ?? groups.bare ?? groups.called ?? COMPUTED,
    isTypeOnly: groups.bindings?.startsWith('type ') ?? false,
  }));
}

/** Each circle once, told from its first file in order of names. */
function circlesIn(edges: ReadonlyMap<string, readonly (string | undefined)[]>): string[] {
  const circles: string[] = [];
  const finished = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file);
    if (start >= 0) circles.push(`circle: ${[...trail.slice(start), file].join(' → ')}`);
    if (start >= 0 || finished.has(file)) return;
    for (const target of edges.get(file) ?? []) {
      if (target !== undefined && edges.has(target)) visit(target, [...trail, file]);
    }
    finished.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  return circles;
}
