/** Rules for directives that name a file inside the working directory, never one outside it. */

/** Refuses whatever has a path separator of any system. */
export function refusePath(directive: string, what: string, name: string): string | undefined {
  return /[/\\]/.test(name) ? `${directive} can't be a path, just a ${what}` : undefined;
}

export function refuseEmptyOrPath(
  directive: string,
  what: string,
  name: string,
): string | undefined {
  return name === "" ? `${directive} can't be empty` : refusePath(directive, what, name);
}
