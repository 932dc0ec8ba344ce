// Makes a template from a hand-written test of one model. It only works on texts.

/** A template, and the rule that renders it to the test that it was made from. */
export interface NewTemplate {
  text: string;
  /** Where the test stands, with the model's name left open, as a suite's `output` has it. */
  output: string;
}

/** A model as `cargo tgen models` names it. */
export interface Model {
  model: string;
  /** As it is written in Python and in file names, where `-`, `.` and `/` cannot stand. */
  normalized_name: string;
}

/** The models that a test names, the longest name first: `albert` is not a test of `bert`. */
export function modelsNamedIn(text: string, models: readonly Model[]): Model[] {
  const named = models.filter((model) => [model.model, model.normalized_name].some((name) => occurrences(name).test(text)));
  return named.sort((one, other) => other.model.length - one.model.length);
}

/** Leaves the model's name open, in the test and in its path. Everything else stays as it is. */
export function templateFrom(test: string, path: string, model: Model): NewTemplate {
  // What a template would take for a placeholder is text here.
  const text = test.replaceAll("${", () => "$${");
  return {
    text: opened(text, model, (placeholder) => `\${${placeholder}}`),
    output: opened(path, model, () => "{{ normalized_name }}"),
  };
}

function opened(text: string, { model, normalized_name }: Model, placeholder: (name: string) => string): string {
  const isOneName = model === normalized_name;
  const written = text.replace(occurrences(model), (found, at: number, whole: string) => {
    // Part of a longer name, such as `test_bert`, it has to stay one.
    const isPart = whole[at - 1] === "_" || whole[at + found.length] === "_";
    return placeholder(isPart && isOneName ? "normalized_name" : "model_name");
  });
  return isOneName ? written : written.replace(occurrences(normalized_name), () => placeholder("normalized_name"));
}

/** A name that is not part of another word; `_` is no letter here. */
function occurrences(name: string): RegExp {
  const literal = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![A-Za-z0-9])${literal}(?![A-Za-z0-9])`, "g");
}

/** The suite that renders the template, as lines for the end of `tgen.toml`. */
export function suiteFor(name: string, template: string, model: string, output: string): string {
  const quoted = (value: string) => JSON.stringify(value);
  return `
[[suite]]
name = ${quoted(name)}
template = ${quoted(template)}
models = [${quoted(model)}]
output = ${quoted(output)}
`;
}
