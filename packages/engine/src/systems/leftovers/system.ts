/** The system of leftovers: files that killed processes have left in the folder of the data. */
import type { System } from "../../module/system.ts";
import { Leftovers } from "./leftovers.ts";

export const leftoversSystem: System = {
  name: "leftovers",
  start: (ports) => new Leftovers(ports),
};
