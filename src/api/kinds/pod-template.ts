import { column, containerCells, labelsCell, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { podTemplateDefaults } from '../pod/defaults.ts';
import { validatePodTemplate } from '../pod/validation.ts';
import { podTemplates } from '../resource.ts';

/** A template that no controller reads: programs keep theirs in it. */
export const podTemplate: KindDefinition<t.PodTemplate> = defineKind(podTemplates, {
  generation: ({ template }) => template,
  columns: [
    nameColumn,
    column('Containers', 'string', 'Names of the containers in the template.'),
    column('Images', 'string', 'Images of the containers in the template.'),
    column('Pod Labels', 'string', 'Labels of the template.'),
  ],
  row: ({ metadata, template }) => [metadata.name, ...containerCells(template), labelsCell(template?.metadata?.labels)],
  defaults: (object) => ({ ...object, template: podTemplateDefaults(object.template) }),
  validate: ({ template }) => validatePodTemplate(template, 'template'),
});
