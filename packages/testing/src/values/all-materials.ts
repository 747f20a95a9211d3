/** What every file in materials/ exports: see material.ts. A new kind's file is found by being there. */
import { readdirSync } from "node:fs";
import type { ValueMaterial } from "./material.ts";

/** The materials of all kinds. */
export async function allMaterials(): Promise<ValueMaterial[]> {
  const all: ValueMaterial[] = [];
  for (const name of readdirSync(`${import.meta.dirname}/materials`)) {
    const module: { materials: readonly ValueMaterial[] } = await import(
      `./materials/${name.replace(/\.[jt]s$/, "")}.ts`
    );
    all.push(...module.materials);
  }
  return all;
}
