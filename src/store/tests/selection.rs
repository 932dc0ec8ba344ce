use insta::assert_snapshot;
use tgen_core::model::family::Family;
use tgen_core::model::hardware::HardwareType::{self, Cpu, Cuda, Mps, Rocm};
use tgen_core::project::registered::Wanted;

use super::super::{Mapping, Store};
use super::{Folder, template};

/// The template chosen for each case, as `model family hardware -> template`.
fn chosen(store: &Store, cases: &[(&str, &str, Option<HardwareType>)]) -> String {
    let wanted = |&(model, family, hardware): &(&str, &str, _)| Wanted {
        model: model.to_owned(),
        family: Family::new(family),
        hardware,
    };
    let wanted: Vec<_> = cases.iter().map(wanted).collect();
    let selection = store.select(&wanted).unwrap();
    let lines = wanted.iter().zip(&selection.choices).map(|(wanted, choice)| {
        let template = choice.map(|at| &selection.templates[at]);
        let template = template.map_or("-".to_owned(), |chosen| format!("{} {}", chosen.name, chosen.content));
        format!(
            "{} {} {} -> {template}",
            wanted.model,
            wanted.family,
            wanted.hardware.map_or("any", HardwareType::name)
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn add(store: &mut Store, name: &str, family: &str, hardware: &[HardwareType], content: &str) {
    store.add_template(&template(name, family, hardware, content)).unwrap();
}

fn map(store: &mut Store, model: &str, template: &str) {
    let mapping =
        Mapping { model: model.into(), family: "x".into(), template: Some(template.into()), description: None };
    store.set_mapping(&mapping).unwrap();
}

#[test]
fn a_case_takes_the_template_of_its_hardware_type_else_the_one_for_all() {
    let folder = Folder::new();
    let mut store = folder.store();
    add(&mut store, "text", "text_embedding", &[], "1");
    add(&mut store, "text", "text_embedding", &[], "2");
    add(&mut store, "text_gpu", "text_embedding", &[Cuda, Rocm], "1");
    add(&mut store, "vision_cuda", "vision", &[Cuda], "1");
    let cases = [
        ("bert", "text_embedding", Some(Cpu)),
        ("bert", "text_embedding", Some(Cuda)),
        ("bert", "text_embedding", Some(Rocm)),
        ("bert", "text_embedding", None),
        ("vit", "vision", Some(Cuda)),
        ("vit", "vision", Some(Cpu)),
        ("vit", "vision", None),
        ("clap", "audio", Some(Cuda)),
    ];
    assert_snapshot!(chosen(&store, &cases), @"
    bert text_embedding cpu -> text 2
    bert text_embedding cuda -> text_gpu 1
    bert text_embedding rocm -> text_gpu 1
    bert text_embedding any -> text 2
    vit vision cuda -> vision_cuda 1
    vit vision cpu -> -
    vit vision any -> -
    clap audio cuda -> -
    ");
    let offers = store.offers().unwrap();
    let offers: Vec<_> = offers
        .iter()
        .map(|offer| format!("{} {:?} {}", offer.family, offer.hardware.map(HardwareType::name), offer.template))
        .collect();
    assert_snapshot!(offers.join("\n"), @r#"
    text_embedding None text
    text_embedding Some("cuda") text_gpu
    text_embedding Some("rocm") text_gpu
    vision Some("cuda") vision_cuda
    "#);
}

#[test]
fn a_mappings_own_template_comes_first_but_never_crosses_hardware_types() {
    let folder = Folder::new();
    let mut store = folder.store();
    add(&mut store, "vision", "vision", &[], "1");
    add(&mut store, "vision_cuda", "vision", &[Cuda], "1");
    add(&mut store, "vit_own", "other", &[], "1");
    add(&mut store, "detr_own", "vision", &[Mps, Rocm], "1");
    map(&mut store, "vit", "vit_own");
    map(&mut store, "detr", "detr_own");
    let cases = [
        ("vit", "vision", Some(Cuda)),
        ("vit", "vision", None),
        ("detr", "vision", Some(Mps)),
        ("detr", "vision", Some(Rocm)),
        ("detr", "vision", Some(Cuda)),
        ("detr", "vision", None),
        ("beit", "vision", Some(Rocm)),
    ];
    assert_snapshot!(chosen(&store, &cases), @"
    vit vision cuda -> vit_own 1
    vit vision any -> vit_own 1
    detr vision mps -> detr_own 1
    detr vision rocm -> detr_own 1
    detr vision cuda -> vision_cuda 1
    detr vision any -> vision 1
    beit vision rocm -> detr_own 1
    ");
}

#[test]
fn the_newest_template_of_a_family_is_chosen() {
    let folder = Folder::new();
    let mut store = folder.store();
    add(&mut store, "b", "vision", &[], "1");
    add(&mut store, "a", "vision", &[], "1");
    let case = [("vit", "vision", None)];
    assert_eq!(chosen(&store, &case), "vit vision any -> a 1");
    add(&mut store, "b", "vision", &[], "2");
    assert_eq!(chosen(&store, &case), "vit vision any -> b 2");
    store.remove_template("b").unwrap();
    assert_eq!(chosen(&store, &case), "vit vision any -> a 1");
}

#[test]
fn a_text_that_many_cases_take_is_there_once() {
    let folder = Folder::new();
    let mut store = folder.store();
    add(&mut store, "text", "text_embedding", &[], "text");
    let wanted = |at: usize| Wanted {
        model: format!("model-{at}"),
        family: Family::new(if at.is_multiple_of(2) { "text_embedding" } else { "vision" }),
        hardware: Some(Cpu),
    };
    let wanted: Vec<_> = (0..5_000).map(wanted).collect();
    let selection = store.select(&wanted).unwrap();
    assert_eq!(selection.templates.len(), 1);
    let fits = |at: usize, choice: &Option<usize>| *choice == at.is_multiple_of(2).then_some(0);
    assert!(selection.choices.iter().enumerate().all(|(at, choice)| fits(at, choice)));
    assert_eq!(selection.choices.len(), wanted.len());
    assert_eq!(store.select(&[]).unwrap().choices, []);
}
