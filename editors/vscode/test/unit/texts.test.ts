import * as assert from "node:assert/strict";
import { test } from "node:test";

import { closingLine } from "../../src/closing_line";
import { modelsNamedIn, suiteFor, templateFrom } from "../../src/new_template";
import { closedTwice, isInsideTag } from "../../src/tags";

const BERT = { model: "bert", normalized_name: "bert" };
const ALBERT = { model: "albert", normalized_name: "albert" };
const BASE = { model: "bert-base-uncased", normalized_name: "bert_base_uncased" };

test("a snippet is for places outside of tags", () => {
  const inside = ["{{", "{{ tasks | py", "{%", "x = 1\n{% for task in\n", "{# a", "{{ a }} {% if b"];
  const outside = ["", "for", "{{ a }}", "{% if a %}\nfor", "{# a #}", "{'a': {}}"];
  assert.deepEqual(inside.filter((text) => !isInsideTag(text)), []);
  assert.deepEqual(outside.filter(isInsideTag), []);
});

test("what VS Code closed is not closed twice", () => {
  assert.equal(closedTwice("{{ a }}", " }}"), 3);
  assert.equal(closedTwice("x {% if a %}", " %} b"), 3);
  assert.equal(closedTwice("{{ a }}", "}}"), 2);
  for (const [before, after] of [["{{ a }", " }}"], ["{{ a }}", " %}"], ["{{ a }} }}", " }}"], ["{'a': {}}", " }}"], ["{{ a }}", " b }}"]] as const) {
    assert.equal(closedTwice(before, after), 0, before + after);
  }
});

test("a template leaves the model's name open, and nothing else", () => {
  const { text, output } = templateFrom('def test_bert():\n    name = "bert"\n    albert = f"${x}"\n', "test/test_hf_bert.py", BERT);
  assert.equal(text, 'def test_${normalized_name}():\n    name = "${model_name}"\n    albert = f"$${x}"\n');
  assert.equal(output, "test/test_hf_{{ normalized_name }}.py");
});

test("a name with dashes is written in two ways", () => {
  const { text, output } = templateFrom('def test_bert_base_uncased(): load("bert-base-uncased")\n', "test_bert_base_uncased.py", BASE);
  assert.equal(text, 'def test_${normalized_name}(): load("${model_name}")\n');
  assert.equal(output, "test_{{ normalized_name }}.py");
});

test("the longest model that a test names is offered first", () => {
  const named = modelsNamedIn("test_bert_base_uncased.py", [BERT, ALBERT, BASE]);
  assert.deepEqual(named, [BASE, BERT]);
});

test("a suite is appended as a table of its own", () => {
  const suite = suiteFor("test", "test.py", "bert", "out/{{ normalized_name }}.py");
  assert.equal(suite, '\n[[suite]]\nname = "test"\ntemplate = "test.py"\nmodels = ["bert"]\noutput = "out/{{ normalized_name }}.py"\n');
});

test("a command's closing line says how it ended", () => {
  const wrote = "wrote out/a.py\nwrote 1 of 1 outputs, 0 fresh (0.04 s)\n";
  assert.equal(closingLine({ code: 0, stdout: wrote, stderr: "" }), "wrote 1 of 1 outputs, 0 fresh (0.04 s)");
  const errors = "  --> tgen.toml:2:4\nerror: the configuration cannot be used\n";
  assert.equal(closingLine({ code: 2, stdout: "", stderr: errors }), "error: the configuration cannot be used");
  assert.equal(closingLine({ code: 2, stdout: "", stderr: "" }), "ended with code 2");
});
