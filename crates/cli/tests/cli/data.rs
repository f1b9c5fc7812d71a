//! Data that is missing, broken, empty, or does not fit.
use crate::binary::Desk;

#[track_caller]
fn refused(csv: &str) -> String {
    let desk = Desk::new();
    desk.write("points.csv", csv);
    desk.run(["train", "recipe.toml"]).refused()
}

#[test]
fn a_file_that_is_missing() {
    let desk = Desk::new();
    let message = desk.run(["train", "recipe.toml", "--set", "data.file=point.csv"]).refused();
    assert!(message.contains("point.csv") && message.contains("points.csv"), "{message}");
}

#[test]
fn a_word_among_numbers() {
    let message = refused("x,y,label\n1,2,0\n3,oops,1\n");
    assert!(message.contains("points.csv:3: column \"y\" holds \"oops\", which is no number"), "{message}");
}

#[test]
fn a_line_that_is_too_short() {
    let message = refused("x,y,label\n1,2,0\n3,1\n");
    assert!(message.contains("points.csv:3: this line has 2 cells, but the first has 3"), "{message}");
}

#[test]
fn nothing_at_all() {
    let message = refused("");
    assert!(message.contains("points.csv: the file is empty"), "{message}");
    let message = refused("x,y,label\n");
    assert!(message.contains("points.csv: there are no rows"), "{message}");
}

#[test]
fn not_text() {
    let desk = Desk::new();
    std::fs::write(desk.path("points.csv"), [0xff, 0xfe, 0x00, 0x0a, 0x80]).expect("a file");
    let message = desk.run(["train", "recipe.toml"]).refused();
    assert!(message.contains("points.csv"), "{message}");
}

#[test]
fn a_class_beyond_the_outputs() {
    let message = refused("x,y,label\n1,2,0\n3,4,7\n5,6,1\n7,8,1\n");
    assert!(message.contains("points.csv: row 1 of the data set has class 7"), "{message}");
    assert!(message.contains("units = 8"), "{message}");
}

#[test]
fn a_nan_is_said_and_found() {
    let desk = Desk::new();
    desk.spoil_a_row();
    let said = desk.run(["train", "recipe.toml", "--set", "data.validation=0"]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.out.contains("cause: input-not-finite"), "{}", said.out);
    assert!(said.out.contains("row 6 of the data set"), "{}", said.out);
    assert!(said.err.contains("error[DAT001]"), "{}", said.err);
}
