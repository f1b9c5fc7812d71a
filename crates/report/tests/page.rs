//! The structure of the HTML page.
mod common;

use barograph_report::{Curves, Report, html};
use barograph_vocab::{Record, Scalar, StepRecord};
use common::Case;
use quick_xml::events::Event;

/// Largest page, whatever the run.
const LARGEST: usize = 200_000;

fn page(case: &Case) -> String {
    html(&Report { diagnosis: &case.diagnosis, curves: &case.curves, samples: &case.samples })
}

/// The elements and attributes of a page: none of them loads or runs anything.
const ELEMENTS: &[&str] = &[
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "main",
    "header",
    "section",
    "h1",
    "h2",
    "p",
    "span",
    "b",
    "br",
    "i",
    "small",
    "code",
    "pre",
    "ul",
    "li",
    "div",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "dl",
    "dt",
    "dd",
    "details",
    "summary",
    "figure",
    "figcaption",
    "svg",
    "g",
    "path",
    "rect",
    "text",
    "img",
];
const ATTRIBUTES: &[&str] = &[
    "lang",
    "charset",
    "name",
    "content",
    "http-equiv",
    "class",
    "aria-label",
    "aria-hidden",
    "style",
    "scope",
    "viewBox",
    "role",
    "d",
    "x",
    "y",
    "width",
    "height",
    "stroke-width",
    "transform",
    "alt",
    "src",
];

fn assert_self_contained(page: &str) {
    let mut reader = quick_xml::Reader::from_str(page);
    loop {
        match reader.read_event().expect("well-formed markup") {
            Event::Start(tag) | Event::Empty(tag) => {
                let name = tag.name().as_ref().to_owned();
                assert!(ELEMENTS.contains(&name.as_str()), "<{name}>");
                for attribute in tag.attributes().flatten() {
                    let key = attribute.key.as_ref().to_owned();
                    assert!(ATTRIBUTES.contains(&key.as_str()), "<{name} {key}>");
                    assert!(key != "src" || attribute.value.starts_with("data:image/png;base64,"), "<{name} {key}>");
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let style = page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).expect("a style").0;
    assert!(!style.contains("url(") && !style.contains("@import"));
}

#[test]
fn pages_are_well_formed_and_self_contained() {
    for case in [common::unhealthy(), common::healthy(), common::unsure(), common::hostile(), common::large()] {
        let page = page(&case);
        common::assert_well_formed(&page);
        assert_self_contained(&page);
        assert!(page.len() < LARGEST, "{} bytes", page.len());
        assert!(!page.contains("http:") && !page.contains("https:"));
    }
}

#[test]
fn pictures_may_be_loaded_only_where_the_page_holds_some() {
    let with = page(&common::unhealthy());
    assert!(with.contains("<img alt=\"row 1,234 of the data\" src=\"data:image/png;base64,iVBORw0KGgo"));
    assert!(with.contains("; img-src data:\""));
    assert!(with.contains("epoch 1: 3; 2: 8"));
    assert!(!page(&common::healthy()).contains("img-src"));
}

#[test]
fn every_drawing_has_a_name_for_those_who_do_not_see_it() {
    let page = page(&common::unhealthy());
    assert!(page.matches("<svg ").count() >= 5);
    assert_eq!(page.matches("<svg ").count(), page.matches("role=\"img\" aria-label=\"").count());
}

#[test]
fn one_bad_step_among_a_million_is_in_the_lane() {
    let mut case = common::healthy();
    case.curves = Curves::default();
    for step in 0..1_000_000 {
        let loss = if step == 777_777 { f64::NAN } else { 1.0 };
        let scalars = vec![(Scalar::Loss, loss)];
        case.curves.see(&Record::Step(StepRecord { step, scalars, stands_for: 1, ..StepRecord::default() }));
    }
    let page = page(&case);
    assert_eq!(page.matches("class=\"bad\"").count(), 1);
    assert!(page.contains("1 not finite"));
    assert!(page.contains("not finite at step 777,777 (1 of 1,000,000 values)"));
}

#[test]
fn the_lane_is_there_when_it_is_empty() {
    let page = page(&common::healthy());
    assert!(page.contains("class=\"lane\"") && !page.contains("class=\"bad\""));
}

#[test]
fn a_run_without_records_has_a_page() {
    let mut case = common::unsure();
    case.curves = Curves::default();
    case.diagnosis.causes.clear();
    case.diagnosis.findings.clear();
    let page = page(&case);
    common::assert_well_formed(&page);
    assert!(!page.contains("<svg"));
}
