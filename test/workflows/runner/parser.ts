import { registerHooks } from "node:module";

/*
 * GitHub's own parser. It imports its schema as bundlers like it; Node wants to be told that a file is JSON.
 */
const hooks = registerHooks({
  load: (url, context, load) =>
    load(url, url.endsWith(".json") ? { ...context, importAttributes: { type: "json" } } : context),
});

export const {
  convertWorkflowTemplate,
  isBasicExpression,
  isBoolean,
  isMapping,
  isNumber,
  isSequence,
  isString,
  NoOperationTraceWriter,
  parseWorkflow,
} = await import("@actions/workflow-parser");
export const { parseFileReference } = await import(
  "@actions/workflow-parser/workflows/file-reference"
);
hooks.deregister();

export type { WorkflowTemplate } from "@actions/workflow-parser";
export type { FileReference } from "@actions/workflow-parser/workflows/file-reference";
export type { BasicExpressionToken } from "@actions/workflow-parser/templates/tokens/basic-expression-token";
export type { MappingToken } from "@actions/workflow-parser/templates/tokens/mapping-token";
export type { TemplateToken } from "@actions/workflow-parser/templates/tokens/template-token";
