//! Reading valid and broken skillset modules.

use super::*;

/// The reference and the problems, in lines.
fn shown(path: &str, source: &str) -> String {
    let (reference, problems) = parse_reference(path.into(), source);
    let problems = problems.iter().map(|problem| {
        let start = problem
            .range
            .map_or_else(String::new, |range| format!("{}:{}: ", range.start.line + 1, range.start.column + 1));
        format!("{start}{:?}: {}; {}", problem.severity, problem.message, problem.help.as_deref().unwrap_or("-"))
    });
    reference.iter().flat_map(lines_of).chain(problems).collect::<Vec<_>>().join("\n")
}

fn lines_of(reference: &Reference) -> Vec<String> {
    let Reference { module, class_name, has_init, has_test, .. } = reference;
    let construction = signature(&reference.init_parameters);
    let mut lines = vec![format!("{module}.{class_name}({construction}) init={has_init} test={has_test}")];
    lines.extend(reference.init_methods.iter().map(|method| {
        let hardware = method.hardware_type.map_or("-", HardwareType::name);
        format!("{}: {} [{} {hardware}] ({})", method.line, method.name, method.platform, signature(&method.parameters))
    }));
    lines.extend(reference.handler_methods.iter().map(|method| {
        let hardware = method.hardware_type.map_or("-", HardwareType::name);
        let platform = method.platform.as_deref().unwrap_or("-");
        let task = method.task.as_deref().unwrap_or("-");
        let parameters = signature(&method.parameters);
        format!("{}: {} [{platform} {hardware} {task}] ({parameters})", method.line, method.name)
    }));
    lines
}

fn signature(parameters: &[Parameter]) -> String {
    let shown = parameters.iter().map(|parameter| {
        let stars = match parameter.kind {
            ParameterKind::Vararg => "*",
            ParameterKind::Kwarg => "**",
            ParameterKind::Keyword => "kw ",
            ParameterKind::PositionalOnly => "pos ",
            ParameterKind::Positional => "",
        };
        let annotation = parameter.annotation.iter().map(|annotation| format!(": {annotation}"));
        let default = parameter.default.iter().map(|default| format!("={default}"));
        format!("{stars}{}{}", parameter.name, annotation.chain(default).collect::<String>())
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// The lines for a class `hf_x` with this body, each line of which is indented by one space.
fn shown_class(body: &str) -> String {
    shown("skillset/hf_x.py", &format!("class hf_x:\n{body}"))
}

#[test]
fn a_module_of_the_skillset_is_read_whole() {
    insta::assert_snapshot!(shown("skillset/hf_bert.py", include_str!("../../fixtures/hf_bert.py")), @r"
    hf_bert.hf_bert(resources=None, metadata=None) init=true test=true
    34: init_cpu [cpu cpu] (model, device, cpu_label)
    41: init_cuda [cuda cuda] (model, device, cuda_label)
    47: init_openvino [openvino openvino] (model, model_type, device, openvino_label, get_optimum_openvino_model, get_openvino_model, get_openvino_pipeline_type, openvino_cli_convert)
    64: init_apple [apple mps] (model, device, apple_label)
    12: init_qualcomm [qualcomm qualcomm] (model, model_type, device, openvino_label, get_optimum_openvino_model, get_openvino_model, get_openvino_pipeline_type, openvino_cli_convert)
    68: create_cpu_text_embedding_endpoint_handler [cpu cpu text_embedding] (endpoint_model, cpu_label, endpoint=None, tokenizer=None)
    75: create_cuda_text_embedding_endpoint_handler [cuda cuda text_embedding] (endpoint_model, cuda_label, endpoint=None, tokenizer=None)
    81: create_openvino_text_embedding_endpoint_handler [openvino openvino text_embedding] (endpoint_model, tokenizer, openvino_label, endpoint=None)
    84: create_apple_text_embedding_endpoint_handler [apple mps text_embedding] (endpoint_model, apple_label, endpoint=None, tokenizer=None)
    ");
}

#[test]
fn a_template_sees_plain_values() {
    let source = "class hf_x:\n def init_apple(self, model: str = 'm', *, strict=True): pass\n";
    let (reference, _) = parse_reference("s/hf_x.py".into(), source);
    insta::assert_snapshot!(serde_json::to_string_pretty(&reference.unwrap()).unwrap(), @r#"
    {
      "module": "hf_x",
      "path": "s/hf_x.py",
      "class_name": "hf_x",
      "init_parameters": [],
      "has_init": false,
      "has_test": false,
      "test_parameters": [],
      "init_methods": [
        {
          "name": "init_apple",
          "platform": "apple",
          "hardware_type": "mps",
          "parameters": [
            {
              "name": "model",
              "default": "'m'",
              "keyword_only": false,
              "annotation": "str",
              "kind": "positional"
            },
            {
              "name": "strict",
              "default": "True",
              "keyword_only": true,
              "annotation": null,
              "kind": "keyword"
            }
          ],
          "is_async": false,
          "line": 2
        }
      ],
      "handler_methods": []
    }
    "#);
}

#[test]
fn every_kind_of_parameter_is_told() {
    insta::assert_snapshot!(
        shown_class(" def init_cpu(self, a, /, b: dict[str, int], c=(1, 2), *d, e, f: 'F' = None, **g): pass\n"),
        @r"
    hf_x.hf_x() init=false test=false
    2: init_cpu [cpu cpu] (pos a, b: dict[str, int], c=(1, 2), *d, kw e, kw f: 'F'=None, **g)
    "
    );
}

#[test]
fn only_an_instance_is_left_out_of_the_parameters() {
    let body = " @staticmethod\n def init_cpu(model): pass\n @classmethod\n def init_cuda(cls, model): pass\n \
                 @logged(level=1)\n async def init_mps(self, model): pass\n def init_rocm(*args): pass\n";
    insta::assert_snapshot!(shown_class(body), @r"
    hf_x.hf_x() init=false test=false
    3: init_cpu [cpu cpu] (model)
    5: init_cuda [cuda cuda] (model)
    7: init_mps [mps mps] (model)
    8: init_rocm [rocm rocm] (*args)
    ");
}

#[test]
fn a_platform_is_cut_from_its_task_where_the_class_says() {
    let handlers = ["cpu_text_embedding", "cpu", "apple_silicon_llm", "vlm", "qualcomm_a_b", "tpu_llm"];
    let methods = handlers.map(|handled| format!(" def create_{handled}_endpoint_handler(self): pass\n"));
    let body = format!(" def init_apple_silicon(self): pass\n def init_apple(self): pass\n{}", methods.concat());
    insta::assert_snapshot!(shown_class(&body), @r"
    hf_x.hf_x() init=false test=false
    2: init_apple_silicon [apple_silicon -] ()
    3: init_apple [apple mps] ()
    4: create_cpu_text_embedding_endpoint_handler [cpu cpu text_embedding] ()
    5: create_cpu_endpoint_handler [cpu cpu -] ()
    6: create_apple_silicon_llm_endpoint_handler [apple_silicon - llm] ()
    7: create_vlm_endpoint_handler [- - vlm] ()
    8: create_qualcomm_a_b_endpoint_handler [qualcomm qualcomm a_b] ()
    9: create_tpu_llm_endpoint_handler [- - tpu_llm] ()
    ");
}

#[test]
fn a_broken_module_yields_what_can_be_read() {
    insta::assert_snapshot!(
        shown_class(" def init_cpu(self, model):\n  return (\n def init_cuda(self, model, device=): pass\n def init_mps(self: pass\n"),
        @r"
    hf_x.hf_x() init=false test=false
    2: init_cpu [cpu cpu] (model)
    4: init_cuda [cuda cuda] (model, device)
    5: init_mps [mps mps] ()
    4:2: Error: `hf_x` is not valid Python: expected an identifier, but found a keyword `def` that cannot be used here; fix the module: a generated test has to import it
    4:6: Error: `hf_x` is not valid Python: expected `)`, found name; fix the module: a generated test has to import it
    4:6: Error: `hf_x` is not valid Python: invalid annotated assignment target; fix the module: a generated test has to import it
    4:36: Error: `hf_x` is not valid Python: expected an expression; fix the module: a generated test has to import it
    4:39: Error: `hf_x` is not valid Python: expected an identifier, but found a keyword `pass` that cannot be used here; fix the module: a generated test has to import it
    5:2: Error: `hf_x` is not valid Python: compound statements are not allowed on the same line as simple statements; fix the module: a generated test has to import it
    5:21: Error: `hf_x` is not valid Python: expected an expression; fix the module: a generated test has to import it
    6:1: Error: `hf_x` is not valid Python: unexpected EOF while parsing; fix the module: a generated test has to import it
    "
    );
}

#[test]
fn a_line_with_the_wrong_indentation_hides_no_method_that_is_defined() {
    let whole = include_str!("../../fixtures/hf_bert.py");
    let broken = whole.replacen("        self.init()\n", "   self.init()\n", 1);
    let names = |source: &str| {
        let reference = parse_reference("s/hf_bert.py".into(), source).0.unwrap();
        let methods = reference.handler_methods.iter().map(|method| (method.name.clone(), method.parameters.clone()));
        methods.collect::<Vec<_>>()
    };
    assert_ne!(broken, whole);
    assert_eq!(names(&broken), names(whole));
}

#[test]
fn a_flood_of_syntax_errors_is_held_back() {
    let (_, problems) = parse_reference("s/hf_x.py".into(), &"?\n".repeat(100));
    let errors: Vec<_> = problems.iter().filter(|problem| problem.is_error()).collect();
    assert_eq!(errors.len(), MOST_SYNTAX_ERRORS);
    assert!(errors[9].help.as_ref().is_some_and(|help| help.contains("more syntax errors follow")));
}

#[test]
fn a_class_with_the_methods_stands_in_for_the_one_that_is_missing() {
    let source = "class Helper:\n def run(self): pass\nclass Bert:\n def init_cpu(self): pass\n";
    insta::assert_snapshot!(shown("s/hf_bert.py", source), @r"
    hf_bert.Bert() init=false test=false
    4: init_cpu [cpu cpu] ()
    3:7: Warning: the class `Bert` is used, because the module does not define `hf_bert`; call the class `hf_bert`
    ");
}

#[test]
fn a_module_that_is_no_reference_is_warned_of() {
    insta::assert_snapshot!(shown("s/hf_utils.py", "def load(): pass\n"), @"Warning: `hf_utils` defines neither a class `hf_utils` nor one with `init_<platform>` methods; define the class, or give a module that is no reference implementation a name without `hf_`");
    insta::assert_snapshot!(shown("s/hf_t5 copy.py", "class hf_t5: pass\n"), @"Warning: `hf_t5 copy.py` is not a module that Python can import; call it `hf_<name>.py` with letters, digits and `_`, or move it out of the skillset");
    insta::assert_snapshot!(shown("s/hf_x.py", "class hf_x: pass\n"), @r"
    hf_x.hf_x() init=false test=false
    1:7: Warning: the class `hf_x` has no method for any platform; define `init_<platform>` and `create_<platform>_<task>_endpoint_handler`
    ");
    insta::assert_snapshot!(shown("s/hf_x.py", "class hf_x:\n def init_cpu(self): pass\nhf_x = hf_x()\n"), @r"
    hf_x.hf_x() init=false test=false
    2: init_cpu [cpu cpu] ()
    3:1: Warning: `hf_x` is rebound here, so importing it does not give the class; give this a name of its own
    ");
}

#[test]
fn line_ends_and_a_byte_order_mark_make_no_difference() {
    let source = "class hf_x:\n def init_cpu(self, model='é'): pass\n";
    let expected = shown("s/hf_x.py", source);
    assert_eq!(shown("s/hf_x.py", &source.replace('\n', "\r\n")), expected);
    assert_eq!(shown("s/hf_x.py", &format!("\u{feff}{source}")), expected);
}

proptest::proptest! {
    #[test]
    fn no_source_makes_the_reader_panic(source in "(class hf_x|def init_cpu|[:()=*,/\n é'\"]|self|    ){0,30}") {
        let _ = parse_reference("s/hf_x.py".into(), &source);
    }
}
