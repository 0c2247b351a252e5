import { isRecord } from '../../protocols/tool-result.js';

/** One value that a question wants (spec 2025-11-25, client/elicitation, "Requested Schema"). */
export interface Field {
  readonly name: string;
  readonly kind: 'text' | 'number' | 'integer' | 'yes-no' | 'one-of' | 'some-of';
  readonly title: string;
  readonly isRequired: boolean;
  readonly standard: unknown;
  /** Of `one-of` and `some-of`. */
  readonly choices: readonly FieldChoice[];
  /** Bounds of a number, of a text's length, or of how many are chosen. */
  readonly least: number | undefined;
  readonly most: number | undefined;
}

export interface FieldChoice {
  readonly value: string;
  readonly title: string;
}

/** The fields of a question's schema, in their order; none where it only wants a yes or a no. */
export function fieldsOf(requestedSchema: unknown): readonly Field[] {
  if (!isRecord(requestedSchema) || !isRecord(requestedSchema.properties)) return [];
  const required: readonly unknown[] = Array.isArray(requestedSchema.required)
    ? requestedSchema.required
    : [];
  return Object.entries(requestedSchema.properties).map(([name, schema]) =>
    fieldOf(name, isRecord(schema) ? schema : {}, required.includes(name)),
  );
}

function fieldOf(name: string, schema: Readonly<Record<string, unknown>>, isRequired: boolean): Field {
  const isList = schema.type === 'array';
  const choices = choicesOf(isList ? schema.items : schema);
  const [least, most] = isList
    ? [schema.minItems, schema.maxItems]
    : schema.type === 'string'
      ? [schema.minLength, schema.maxLength]
      : [schema.minimum, schema.maximum];
  const said = [schema.title, schema.description].filter(part => typeof part === 'string' && part !== '');
  return {
    name,
    kind: kindOf(schema.type, choices),
    title: said.join(': '),
    isRequired,
    standard: schema.default,
    choices,
    least: typeof least === 'number' ? least : undefined,
    most: typeof most === 'number' ? most : undefined,
  };
}

function kindOf(type: unknown, choices: readonly FieldChoice[]): Field['kind'] {
  if (type === 'array') return 'some-of';
  if (choices.length > 0) return 'one-of';
  if (type === 'boolean') return 'yes-no';
  return type === 'number' || type === 'integer' ? type : 'text';
}

function choicesOf(schema: unknown): readonly FieldChoice[] {
  if (!isRecord(schema)) return [];
  const { enum: values, enumNames, oneOf, anyOf } = schema;
  const titled = [oneOf, anyOf].find(Array.isArray);
  if (titled !== undefined) {
    return titled.flatMap(each =>
      isRecord(each) && typeof each.const === 'string'
        ? [{ value: each.const, title: typeof each.title === 'string' ? each.title : each.const }]
        : [],
    );
  }
  if (!Array.isArray(values)) return [];
  const titles: readonly unknown[] = Array.isArray(enumNames) ? enumNames : [];
  return values.map((value, index) => ({ value: String(value), title: String(titles[index] ?? value) }));
}
