/**
 * Parts of Redis that are not there yet, and are asked for by a directive. To go on as if they were
 * there would lose data, or leave unprotected what somebody wanted protected: so that is refused.
 * Whoever brings such a part takes its row from here.
 */
import type { System } from "../module/system.ts";

export const absentSystem: System = {
  name: "absent",
  directives: [
    {
      names: ["cluster-enabled"],
      missing: { what: "cluster mode", isAsked: (config) => config.boolean("cluster-enabled") },
    },
  ],
};
