/** AUTH: who the client is. */
import { arg, CommandError, errors } from "@kv/commands";
import { engineCommand } from "../../module/engine-call.ts";
import { logIn } from "./log-in.ts";

const noPassword = new CommandError(
  "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
);

export const auth = engineCommand({
  name: "auth",
  group: "connection",
  since: "1.0.0",
  summary: "Logs in: with a password alone as the default user.",
  complexity: "O(N) with N passwords of the user.",
  arity: -2,
  flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
  args: [arg.optional(arg.string("username", { since: "6.0.0" })), arg.string("password")],
  history: [["6.0.0", "Added ACL style (username and password)."]],

  run(call) {
    const { engine, reply } = call;
    if (call.argc > 3) throw errors.syntax;
    if (call.argc === 3) logIn(call, call.word(1), 2);
    else {
      // A password where none is asked for is taken for a mistake in the configuration.
      if (engine.users.defaultUser.anyPassword) throw noPassword;
      logIn(call, "default", 1);
    }
    reply.ok();
  },
});
