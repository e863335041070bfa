import type { Tenant } from '../domain/flow.ts';
import { TENANT_ID_PATTERN } from '../domain/names.ts';
import type { ProviderDescriptor } from '../providers/descriptor.ts';
import { isJsonObject } from './json.ts';

type ListedTenants = Extract<ProviderDescriptor['tenants'], { kind: 'list' }>;

const MAX_NAME_CHARS = 200;

/**
 * The company that was asked for by id: what contains the name proves that the token opens it, the name itself may be
 * missing. Undefined when the answer is about something else.
 */
export function companyOf(body: unknown, field: readonly string[], tenantId: string): readonly [Tenant] | undefined {
  let value: unknown = body;
  for (const key of field.slice(0, -1)) value = isJsonObject(value) ? value[key] : undefined;
  if (!isJsonObject(value)) return undefined;
  return [{ tenantId, ...named(value[field.at(-1) ?? '']) }];
}

/**
 * The companies of a list. Entries of another kind than `only` are left out. One entry that cannot be read makes the whole
 * answer unreadable (undefined): left out in silence, its company would be taken for lost.
 */
export function companiesOf(body: unknown, { fields, only }: ListedTenants): readonly Tenant[] | undefined {
  if (!Array.isArray(body)) return undefined;
  const tenants: Tenant[] = [];
  for (const entry of body as readonly unknown[]) {
    if (!isJsonObject(entry)) return undefined;
    const kind = only === undefined ? undefined : entry[only.field];
    if (only !== undefined && typeof kind !== 'string') return undefined;
    if (kind !== only?.value) continue;
    const { [fields.id]: tenantId, [fields.connectionId]: providerConnectionId, [fields.name]: name } = entry;
    if (!isId(tenantId) || !isId(providerConnectionId)) return undefined;
    tenants.push({ tenantId, ...named(name), providerConnectionId });
  }
  return tenants;
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && TENANT_ID_PATTERN.test(value);
}

/** Names are shown to users and written to records: one line, of bounded length. */
function named(value: unknown): { readonly name?: string } {
  if (typeof value !== 'string') return {};
  const name = value.replace(/\p{Cc}+/gu, ' ').trim();
  return name === '' ? {} : { name: [...name].slice(0, MAX_NAME_CHARS).join('') };
}
