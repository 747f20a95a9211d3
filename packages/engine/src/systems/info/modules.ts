/** INFO modules. None can be loaded, so the section is its heading. */
import type { InfoSection } from "../../module/system.ts";

export const modulesSection: InfoSection = {
  name: "module_list",
  title: "Modules",
  isDefault: true,
  fields: [],
};
