/** Info sections: all rows of INFO that the systems of this engine brought. */
import { Port, type Ports } from "../../module/ports.ts";
import type { InfoSection, Running, System } from "../../module/system.ts";
import { infoText } from "./info-text.ts";

export const infoPort = new Port<InfoSections>("info");

export class InfoSections implements Running {
  private readonly ports: Ports;
  private sections: readonly InfoSection[] = [];

  constructor(ports: Ports) {
    this.ports = ports;
  }

  assembled(systems: readonly System[]): void {
    const limits = systems.find(({ limits }) => limits !== undefined)?.limits;
    this.sections = systems
      .flatMap(({ info }) => info ?? [])
      .filter(({ name }) => limits?.sections.includes(name) !== false);
  }

  /** The text of INFO with these section names. */
  text(names: Iterable<string>): string {
    return infoText(this.ports, this.sections, names);
  }
}
