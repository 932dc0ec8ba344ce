use insta::assert_snapshot;
use tgen_core::model::hardware::HardwareType::{Cpu, Cuda};
use tgen_core::schedule::estimate::{Estimate, Origin};
use uuid::Uuid;

use super::super::{Content, Difference, Differing, Estimates, Mode, NewTest, Store, SupportFile};
use super::{Folder, message};

const FIRST: NewTest<'static> = NewTest {
    test_id: Uuid::from_u128(0xffff_0000_0000_5000_8000_0000_0000_0001),
    model: "bert-base-uncased",
    family: "text_embedding",
    hardware: Cpu,
    batch_size: 1,
    content: "it's\n\0 a 'test' ü",
    test_type: "template",
    priority: 3,
    min_memory_gb: 0.5,
    timeout_seconds: 600,
    template: "text",
    template_version: Some(7),
    dependencies: &[],
    estimates: Estimates { memory: Origin::Stated, seconds: None },
};

const SECOND: NewTest<'static> = NewTest {
    test_id: Uuid::from_u128(2),
    hardware: Cuda,
    batch_size: 4,
    priority: 10,
    min_memory_gb: 1.25,
    template_version: None,
    dependencies: &[FIRST.test_id],
    estimates: Estimates {
        memory: Origin::Learnt { samples: 7 },
        seconds: Some(Estimate { value: 2.5, origin: Origin::Estimated }),
    },
    ..FIRST
};

#[track_caller]
fn store_plan(store: &mut Store, name: &str, tests: &[NewTest<'_>]) {
    let mut plan = store.new_plan(Some(name)).unwrap();
    for test in tests {
        plan.add(test).unwrap();
    }
    assert_eq!(plan.finish(&[]).unwrap(), name);
}

#[test]
fn a_plan_comes_back_as_it_was_stored() {
    let folder = Folder::new();
    // The second test comes first, so its dependency follows.
    store_plan(&mut folder.store(), "nightly", &[SECOND, FIRST]);
    let store = folder.open(Mode::ReadOnly).unwrap();
    let tests = store.planned_tests("nightly", 0, 10, Content::With).unwrap();
    for (stored, planned) in tests.iter().zip([SECOND, FIRST]) {
        assert_eq!(stored.test_id, planned.test_id);
        assert_eq!((stored.model.as_str(), stored.family.as_str()), (planned.model, planned.family));
        assert_eq!((stored.hardware.as_str(), stored.batch_size), (planned.hardware.name(), planned.batch_size));
        assert_eq!((stored.content.as_str(), stored.test_type.as_str()), (planned.content, planned.test_type));
        assert_eq!((stored.priority, stored.timeout_seconds), (planned.priority, planned.timeout_seconds));
        assert_eq!(stored.min_memory_gb.to_bits(), planned.min_memory_gb.to_bits());
        assert_eq!((stored.template.as_str(), stored.template_version), (planned.template, planned.template_version));
        assert_eq!(stored.dependencies, planned.dependencies);
        let estimates = stored.estimates.as_ref().unwrap();
        assert_eq!(estimates.memory_origin, planned.estimates.memory.to_string());
        let seconds = planned.estimates.seconds.map(|seconds| (seconds.value, seconds.origin.to_string()));
        assert_eq!(estimates.seconds, seconds);
    }
    assert_eq!(tests.len(), 2);
    let plan = store.plan("nightly").unwrap();
    assert_eq!((plan.name.as_str(), plan.tests), ("nightly", 2));
    assert_eq!(plan.created_by, concat!("cargo-tgen ", env!("CARGO_PKG_VERSION")));
    let dependencies = super::ask(store, "SELECT plan, test_id, depends_on FROM test_dependencies").unwrap();
    let row = [Some("nightly".to_owned()), Some(SECOND.test_id.to_string()), Some(FIRST.test_id.to_string())];
    assert_eq!(dependencies.rows, [row]);
}

#[test]
fn a_plan_whose_writing_was_cut_short_gives_way_to_the_next() {
    let folder = Folder::new();
    let mut store = folder.store();
    store_plan(&mut store, "killed", &[FIRST, SECOND]);
    store.connection.execute("UPDATE plans SET is_complete = false", []).unwrap();
    assert_snapshot!(message(&folder, store.plan("killed")), @"
    there is no plan `killed`
    ");
    store_plan(&mut store, "killed", &[FIRST]);
    assert_eq!(store.plans().unwrap().len(), 1);
    let left = "SELECT count(*) FROM planned_tests UNION ALL SELECT count(*) FROM dependencies";
    assert_eq!(super::ask(store, left).unwrap().rows, [[Some("1".to_owned())], [Some("0".to_owned())]]);
}

#[test]
fn plans_are_listed_and_named_once() {
    let folder = Folder::new();
    let mut store = folder.store();
    store_plan(&mut store, "a", &[FIRST, SECOND]);
    store_plan(&mut store, "b", &[]);
    assert_eq!(store.new_plan(None).unwrap().finish(&[]).unwrap(), "plan-3");
    assert_snapshot!(message(&folder, store.new_plan(Some("a"))), @"
    there is a plan `a` already; give this one another name, or replace that one with `--replace`
    ");
    assert_snapshot!(message(&folder, store.plan("c")), @"
    there is no plan `c`; did you mean `a`?
    ");
    let plans = store.plans().unwrap();
    let plans: Vec<_> = plans.iter().map(|plan| (plan.name.as_str(), plan.tests)).collect();
    assert_eq!(plans, [("plan-3", 0), ("b", 0), ("a", 2)]);
}

#[test]
fn a_page_has_the_tests_between_and_what_they_depend_on() {
    let folder = Folder::new();
    let mut store = folder.store();
    let ids: Vec<_> = (0..10).map(Uuid::from_u128).collect();
    let test = |at: usize| NewTest { test_id: ids[at], dependencies: &ids[at.saturating_sub(2)..at], ..FIRST };
    store_plan(&mut store, "other", &[FIRST]);
    store_plan(&mut store, "a", &(0..10).map(test).collect::<Vec<_>>());
    let page = store.planned_tests("a", 4, 3, Content::With).unwrap();
    let page: Vec<_> = page.iter().map(|test| (test.test_id, test.dependencies.clone())).collect();
    let expected = |at: usize| (ids[at], vec![ids[at - 2], ids[at - 1]]);
    assert_eq!(page, [expected(4), expected(5), expected(6)]);
    assert_eq!(store.planned_tests("a", 8, 100, Content::With).unwrap().len(), 2);
    assert!(store.planned_tests("a", 10, 100, Content::With).unwrap().is_empty());
}

#[test]
fn a_plan_that_contradicts_itself_leaves_nothing() {
    let folder = Folder::new();
    let mut store = folder.store();
    let mut plan = store.new_plan(Some("twice")).unwrap();
    plan.add(&FIRST).unwrap();
    assert_snapshot!(message(&folder, plan.add(&FIRST)), @"
    the plan cannot be stored: it has the test `ffff0000-0000-5000-8000-000000000001` twice
    ");
    drop(plan);
    let mut plan = store.new_plan(Some("dangling")).unwrap();
    plan.add(&SECOND).unwrap();
    assert_snapshot!(message(&folder, plan.finish(&[])), @"
    the plan cannot be stored: a test depends on `ffff0000-0000-5000-8000-000000000001`, which is not in it
    ");
    let mut plan = store.new_plan(Some("priority")).unwrap();
    plan.add(&NewTest { priority: 11, ..FIRST }).unwrap();
    assert!(message(&folder, plan.finish(&[])).contains("CHECK constraint failed"));
    assert_eq!(store.plans().unwrap(), []);
    drop(store);
    assert!(super::ask(folder.store(), "FROM planned_tests").unwrap().rows.is_empty());
    store_plan(&mut folder.store(), "twice", &[FIRST]);
}

#[test]
fn two_plans_differ_by_what_was_added_removed_and_changed() {
    let folder = Folder::new();
    let mut store = folder.store();
    let other = NewTest { test_id: Uuid::from_u128(3), model: "vit", template: "vision", dependencies: &[], ..SECOND };
    store_plan(&mut store, "before", &[FIRST, SECOND]);
    let changed = NewTest { test_id: Uuid::from_u128(9), content: "else", min_memory_gb: 8.0, ..FIRST };
    store_plan(&mut store, "after", &[changed, other]);
    let difference = |test: &NewTest<'_>, differing| Difference {
        model: test.model.to_owned(),
        hardware: test.hardware.name().to_owned(),
        batch_size: test.batch_size,
        template: test.template.to_owned(),
        differing,
    };
    assert_eq!(
        store.compare_plans("before", "after").unwrap(),
        [
            difference(&FIRST, Differing::Changed(vec!["test_content", "min_memory_gb"])),
            difference(&SECOND, Differing::Removed),
            difference(&other, Differing::Added),
        ]
    );
    assert_eq!(store.compare_plans("after", "after").unwrap(), []);
}

#[test]
fn a_plan_has_the_support_of_its_tests_and_goes_with_it() {
    let folder = Folder::new();
    let mut store = folder.store();
    let support = [SupportFile { path: "tgen_support/a.py".to_owned(), content: "x = 'ü'\n".to_owned() }];
    let mut plan = store.new_plan(Some("a")).unwrap();
    plan.add(&FIRST).unwrap();
    plan.finish(&support).unwrap();
    store_plan(&mut store, "b", &[FIRST, SECOND]);
    assert_eq!(store.plan_support("a").unwrap(), support);
    assert_eq!(store.plan_support("b").unwrap(), []);
    store.remove_plan("a").unwrap();
    assert_snapshot!(message(&folder, store.remove_plan("a")), @"there is no plan `a`; did you mean `b`?");
    assert_eq!(store.plans().unwrap().len(), 1);
    assert!(super::ask(store, "FROM plan_support").unwrap().rows.is_empty());
}

#[test]
fn a_test_is_found_by_the_start_of_its_id() {
    let folder = Folder::new();
    let mut store = folder.store();
    store_plan(&mut store, "a", &[FIRST, SECOND, NewTest { test_id: Uuid::from_u128(3), ..FIRST }]);
    assert_eq!(store.test_id("a", "FFFF00").unwrap(), FIRST.test_id);
    assert_eq!(store.planned_test("a", SECOND.test_id).unwrap().dependencies, [FIRST.test_id]);
    assert_snapshot!(message(&folder, store.test_id("a", "0000")), @"several tests have an id that starts with `0000`; give more of it");
    assert_snapshot!(message(&folder, store.test_id("a", "77")), @"there is no planned test `77`");
}
