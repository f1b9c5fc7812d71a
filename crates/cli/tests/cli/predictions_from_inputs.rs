//! Predictions where nothing is known but the inputs: images without classes, texts, the latest rows of a series.
use crate::binary::Desk;
use image::{Rgb, RgbImage};

const LAYERS: &str = "[loss]\nkind = \"cross_entropy\"\n[optimizer]\nkind = \"adam\"\nlearning_rate = 0.05\n";

fn rows(csv: &str) -> Vec<Vec<&str>> {
    csv.lines().map(|line| line.split(',').collect()).collect()
}

/// A desk with red and blue pictures in `pictures/red` and `pictures/blue`, and others in `new`, and a run that tells them apart.
fn painted() -> Desk {
    let desk = Desk::new();
    let paint = |name: &str, colour: [u8; 3]| {
        let file = desk.path(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        RgbImage::from_pixel(6, 4, Rgb(colour)).save(file).expect("a picture");
    };
    for shade in 0..8 {
        paint(&format!("pictures/red/{shade}.png"), [160 + 10 * shade, 5 * shade, 30]);
        paint(&format!("pictures/blue/{shade}.png"), [30, 5 * shade, 160 + 10 * shade]);
    }
    paint("new/b.png", [200, 12, 30]);
    paint("new/a.jpg", [30, 12, 200]);
    paint("new/more/c.png", [180, 20, 40]);
    desk.write(
        "pictures.toml",
        &format!(
            "name = \"pictures\"\nepochs = 30\nbatch = 8\n[data]\nfile = \"pictures\"\n\
             examples = {{ kind = \"images\", height = 4, width = 4 }}\n[[layers]]\nkind = \"dense\"\nunits = 2\n{LAYERS}\
             [[callbacks]]\nkind = \"prediction_samples\"\ncount = 3\n"
        ),
    );
    desk.run(["train", "pictures.toml", "--run-dir", "run"]).fine();
    desk
}

#[test]
fn images_need_no_folders_of_classes() {
    let desk = painted();
    let out = desk.run(["predict", "run", "new"]).fine();
    let rows = rows(&out);
    assert_eq!(rows[0], ["file", "prediction", "blue", "red"]);
    let answers: Vec<_> = rows[1..].iter().map(|row| (row[0], row[1])).collect();
    assert_eq!(answers, [("a.jpg", "blue"), ("b.png", "red"), ("more/c.png", "red")]);
    let one = desk.run(["predict", "run", "new/a.jpg", "--device", "cpu"]).fine();
    assert!(one.lines().nth(1).is_some_and(|line| line.starts_with("new/a.jpg,blue,")), "{one}");
    // Folders of classes are folders like any other.
    assert_eq!(desk.run(["predict", "run", "pictures"]).fine().matches("red/").count(), 8);
}

#[test]
fn samples_of_a_folder_of_images_are_pictures() {
    let desk = painted();
    let files = std::fs::read_dir(desk.path("run/samples")).expect("samples");
    let is_picture = |file: &std::path::PathBuf| file.extension().is_some_and(|ending| ending == "png");
    assert_eq!(files.map(|file| file.expect("a file").path()).filter(is_picture).count(), 3);
    assert_eq!(desk.read("run/report.html").matches("data:image/png").count(), 3);
}

#[test]
fn images_that_cannot_be_predicted_are_named() {
    let desk = painted();
    std::fs::create_dir(desk.path("empty")).expect("a folder");
    let message = desk.run(["predict", "run", "empty"]).refused();
    assert!(message.contains("empty: it holds no image; images end in .png, .jpg, .jpeg"), "{message}");
    let message = desk.run(["predict", "run", "nwe"]).refused();
    assert!(message.contains("nwe: there is no such file"), "{message}");
    desk.write("new/torn.png", "no picture");
    let message = desk.run(["predict", "run", "new"]).refused();
    assert!(message.contains("torn.png: this is no PNG or JPEG image"), "{message}");
    let said = desk.run(["predict", "run", "new", "--set", "data.examples.broken=skip"]);
    assert!(said.err.contains("1 image could not be read and were left out: torn.png"), "{}", said.err);
    assert_eq!(rows(&said.fine()).len(), 4);
    let message = desk.run(["predict", "run", "new", "--device", "gpu"]).refused();
    assert!(message.contains("unknown device \"gpu\""), "{message}");
}

#[test]
fn the_device_of_the_recipe_is_used() {
    let desk = painted();
    let recipe = desk.read("run/recipe.toml");
    desk.write("run/recipe.toml", &format!("device = \"wgpu\"\n{recipe}"));
    if cfg!(not(feature = "wgpu")) {
        let message = desk.run(["predict", "run", "new"]).refused();
        assert!(message.contains("this build has no device wgpu"), "{message}");
    }
    desk.run(["predict", "run", "new", "--device", "cpu"]).fine();
}

/// A series in which the next value follows from the last two, and a run that foretells it from six rows.
fn forecast(target: &str) -> Desk {
    let desk = Desk::new();
    let value = |time: u32| (f64::from(time) * 0.5).sin();
    let line = |time: u32| format!("{time},{}\n", value(time));
    let lines = |times: std::ops::Range<u32>| times.map(line).collect::<String>();
    desk.write("tide.csv", &format!("hour,tide\n{}", lines(0..200)));
    desk.write("latest.csv", &format!("hour,tide\n{}", lines(200..208)));
    desk.write("short.csv", &format!("hour,tide\n{}", lines(200..205)));
    desk.write(
        "tide.toml",
        &format!(
            "name = \"tide\"\nepochs = 40\n[data]\nfile = \"tide.csv\"\ntarget = \"tide\"\ninputs = \"tide\"\n{target}\
             validation = 0.2\n[[layers]]\nkind = \"flatten\"\n[[layers]]\nkind = \"dense\"\nunits = 1\n[loss]\nkind = \"mse\"\n\
             [optimizer]\nkind = \"adam\"\nlearning_rate = 0.05\n"
        ),
    );
    desk.run(["train", "tide.toml", "--run-dir", "run"]).fine();
    desk
}

#[test]
fn the_future_of_a_series_follows_from_its_latest_rows() {
    let desk = forecast("examples = { kind = \"windows\", length = 6, ahead = 2 }\n");
    let out = desk.run(["predict", "run", "latest.csv"]).fine();
    let rows = rows(&out);
    assert_eq!(rows[0], ["last_row", "tide"]);
    // Eight rows hold three windows of six; the last of them ends with the last row, and its answer lies two rows ahead.
    assert_eq!(rows[1..].iter().map(|row| row[0]).collect::<Vec<_>>(), ["5", "6", "7"]);
    for (row, time) in rows[1..].iter().zip([207.0, 208.0, 209.0]) {
        let answer: f64 = row[1].parse().expect("a number");
        assert!((answer - f64::sin(time * 0.5)).abs() < 0.1, "{answer} at {time}");
    }
    let message = desk.run(["predict", "run", "short.csv"]).refused();
    assert!(message.contains("short.csv: the network takes 6 rows at a time, and there are 5"), "{message}");
}

#[test]
fn a_column_that_is_only_answered_need_not_be_there() {
    let same_row = "examples = { kind = \"windows\", length = 6, ahead = 0 }\n";
    let desk = Desk::new();
    let line = |time: u32| format!("{},{}\n", time % 7, 2 * (time % 7));
    let lines: String = (0..60).map(line).collect();
    desk.write("series.csv", &format!("x,twice\n{lines}"));
    desk.write(
        "series.toml",
        &format!(
            "name = \"series\"\nepochs = 2\n[data]\nfile = \"series.csv\"\ntarget = \"twice\"\n{same_row}[[layers]]\n\
             kind = \"flatten\"\n[[layers]]\nkind = \"dense\"\nunits = 1\n[loss]\nkind = \"mse\"\n"
        ),
    );
    desk.run(["train", "series.toml", "--run-dir", "run"]).fine();
    let with_answers = desk.run(["predict", "run", "series.csv"]).fine();
    let line = |time: u32| format!("{}\n", time % 7);
    let lines: String = (0..60).map(line).collect();
    desk.write("inputs.csv", &format!("x\n{lines}"));
    assert_eq!(desk.run(["predict", "run", "inputs.csv"]).fine(), with_answers);
    assert_eq!(with_answers.lines().count(), 56);
}

#[test]
fn texts_get_the_vocabulary_of_their_training() {
    let desk = Desk::new();
    let line = |number: usize| {
        let (word, mood) = if number.is_multiple_of(2) { ("fine", "good") } else { ("awful", "bad") };
        format!("\"a {word}, {} day\",{mood}\n", ["long", "short", "wet"][number % 3])
    };
    desk.write("reviews.csv", &std::iter::once("text,mood\n".to_owned()).chain((0..48).map(line)).collect::<String>());
    desk.write(
        "reviews.toml",
        &format!(
            "name = \"reviews\"\nepochs = 30\n[data]\nfile = \"reviews.csv\"\ntarget = \"mood\"\n\
             examples = {{ kind = \"text\", length = 6 }}\n[[layers]]\nkind = \"embedding\"\nvocabulary = 20\ndimension = 4\n\
             [[layers]]\nkind = \"global_average_pool\"\n[[layers]]\nkind = \"dense\"\nunits = 2\n{LAYERS}"
        ),
    );
    desk.run(["train", "reviews.toml", "--run-dir", "run"]).fine();
    desk.write("new.csv", "text\nan awful night\n\"fine, fine\"\n");
    let out = desk.run(["predict", "run", "new.csv"]).fine();
    assert_eq!(rows(&out).iter().map(|row| row[0]).collect::<Vec<_>>(), ["prediction", "bad", "good"]);
    // The recipe's own file has the answers, too; they are not looked at.
    assert_eq!(desk.run(["predict", "run", "reviews.csv"]).fine().lines().count(), 49);
    let of_recipe = ["predict", "reviews.toml", "new.csv", "--model", "run/model.safetensors"];
    assert_eq!(desk.run(of_recipe).fine(), out);
}

#[test]
fn a_text_goes_on_with_the_token_after_each() {
    let desk = Desk::new();
    desk.write("song.txt", &"row row row your boat ".repeat(80));
    desk.write(
        "song.toml",
        &format!(
            "name = \"song\"\nepochs = 30\n[data]\nfile = \"song.txt\"\nexamples = {{ kind = \"next_tokens\", length = 5 }}\n\
             [[layers]]\nkind = \"embedding\"\nvocabulary = 8\ndimension = 8\n[[layers]]\nkind = \"gru\"\nunits = 16\n\
             return_sequences = true\n[[layers]]\nkind = \"dense\"\nunits = 8\n{LAYERS}"
        ),
    );
    desk.run(["train", "song.toml", "--run-dir", "run"]).fine();
    desk.write("begin.txt", "row row row your boat");
    let out = desk.run(["predict", "run", "begin.txt"]).fine();
    let rows = rows(&out);
    let steps = (-4..=0).map(|step| format!("prediction[{step}]")).collect::<Vec<_>>().join(",");
    assert_eq!(rows[0].join(","), format!("last_token,{steps}"));
    assert_eq!(rows[1], ["4", "row", "row", "your", "boat", "row"]);
}

#[test]
fn several_outputs_are_answered_by_name() {
    let desk = Desk::new();
    let line = |number: u32| {
        let x = f64::from(number % 16) / 8.0 - 1.0;
        format!("{x},{},{}\n", if x > 0.0 { "right" } else { "left" }, 3.0 * x)
    };
    desk.write("two.csv", &std::iter::once("x,side,height\n".to_owned()).chain((0..64).map(line)).collect::<String>());
    desk.write(
        "two.toml",
        "name = \"two\"\nepochs = 40\nbatch = 8\n[data]\nfile = \"two.csv\"\ninputs = \"x\"\n[[layers]]\nkind = \"dense\"\nunits = 8\n\
         activation = \"tanh\"\n[[outputs]]\nname = \"which\"\ntarget = \"side\"\nloss = { kind = \"cross_entropy\" }\n\
         layers = [{ kind = \"dense\", units = 2 }]\n[[outputs]]\nname = \"how_high\"\ntarget = \"height\"\nloss = { kind = \"mse\" }\n\
         layers = [{ kind = \"dense\", units = 1 }]\n[optimizer]\nkind = \"adam\"\nlearning_rate = 0.02\n",
    );
    desk.run(["train", "two.toml", "--run-dir", "run"]).fine();
    desk.write("new.csv", "x\n-0.75\n0.75\n");
    let out = desk.run(["predict", "run", "new.csv"]).fine();
    let rows = rows(&out);
    assert_eq!(rows[0], ["which", "which_left", "which_right", "height"]);
    for (row, (side, height)) in rows[1..].iter().zip([("left", -2.25), ("right", 2.25)]) {
        let answer: f64 = row[3].parse().expect("a number");
        assert!(row[0] == side && (answer - height).abs() < 0.5, "{row:?}");
    }
    desk.run(["predict", "run", "new.csv", "--out", "answers.npz"]).fine();
    let check = ["check", "recipe.toml", "--set", "data.file=answers.npz", "--set"];
    let text = desk.run(check.iter().chain(&["data.inputs=how_high_outputs", "--set", "data.target=which"])).fine();
    assert!(text.contains("binary; 2 classes"), "{text}");
    // A file in which one class alone occurs is numbered as the training was.
    desk.write("right.csv", "x,side,height\n0.75,right,2.25\n0.5,right,1.5\n");
    let found = desk.run(["evaluate", "run", "right.csv", "--json"]).fine();
    let found: serde_json::Value = serde_json::from_str(&found).expect("JSON");
    assert_eq!((found["rows"].as_u64(), found["numbers"]["which_accuracy"].as_f64()), (Some(2), Some(1.0)), "{found}");
}
