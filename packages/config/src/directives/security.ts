/** Directives: passwords, access control and what only trusted clients may do. */
import { directive } from "../directive.ts";
import { integer, oneOf, text } from "../kinds.ts";
import { longMax } from "../value-grammar.ts";

const guarded = oneOf(["no", "yes", "local"]);

export const security = [
  directive({
    name: "requirepass",
    kind: text(),
    default: "",
    emptyIsUnset: true,
    sensitive: true,
    summary: "Password of the default user.",
  }),
  directive({
    name: "aclfile",
    kind: text(),
    default: "",
    immutable: true,
    summary: "File with the users and their rules.",
  }),
  directive({
    name: "acl-pubsub-default",
    kind: oneOf(["allchannels", "resetchannels"]),
    default: "resetchannels",
    summary: "Channels that a new user may use.",
  }),
  directive({
    name: "acllog-max-len",
    kind: integer(0, longMax),
    default: 128,
    summary: "Entries that ACL LOG keeps.",
  }),
  directive({
    name: "enable-protected-configs",
    kind: guarded,
    default: "no",
    immutable: true,
    summary: "Whether CONFIG SET may change protected directives.",
  }),
  directive({
    name: "enable-debug-command",
    kind: guarded,
    default: "no",
    immutable: true,
    summary: "Whether DEBUG may be used.",
  }),
  directive({
    name: "enable-module-command",
    kind: guarded,
    default: "no",
    immutable: true,
    summary: "Whether MODULE may be used.",
  }),
] as const;
