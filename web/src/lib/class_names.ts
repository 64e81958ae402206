export function class_names(...names: (string | false | null | undefined)[]): string {
  return names.filter(Boolean).join(' ');
}
