//! A pipeline map of any text is read; one that is written and read again is the same.

#![no_main]

use camino::Utf8Path;
use libfuzzer_sys::fuzz_target;
use tgen_core::pipeline_map::PipelineMap;

fuzz_target!(|text: &str| {
    let path = Utf8Path::new("map.json");
    let (map, problems) = PipelineMap::parse(path, text);
    if problems.is_empty() {
        let (again, problems) = PipelineMap::parse(path, &map.to_json());
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(again.to_json(), map.to_json());
    }
});
