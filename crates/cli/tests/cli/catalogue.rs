//! Rules and causes, listed and explained.
use crate::binary::Desk;

#[test]
fn every_listed_name_is_explained() {
    let desk = Desk::new();
    let list: serde_json::Value = serde_json::from_str(&desk.run(["rules", "--format", "json"]).fine()).expect("JSON");
    for (kind, key) in [("symptoms", "code"), ("symptoms", "name"), ("causes", "slug")] {
        let entries = list[kind].as_array().expect("a list");
        assert!(!entries.is_empty());
        for entry in entries {
            let name = entry[key].as_str().expect("a name");
            let page = desk.run(["explain", name]).fine();
            assert!(page.lines().next().is_some_and(|head| head.contains(name)), "{name}: {page}");
        }
    }
}

#[test]
fn the_list_names_all() {
    let out = Desk::new().run(["rules"]).fine();
    for name in ["LOS001", "loss-not-finite", "learning-rate-too-high"] {
        assert!(out.contains(name), "{out}");
    }
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_one() {
    let message = Desk::new().run(["explain", "learning-rate-to-high"]).refused();
    assert!(message.contains("did you mean learning-rate-too-high?"), "{message}");
}
