//! Blocks of a Markdown page that a command fills: everything between `<!-- NAME:begin -->` and `<!-- NAME:end -->`.
use anyhow::Context;

/// The text of a block, without its markers.
#[cfg(test)]
pub(crate) fn get<'a>(page: &'a str, name: &str) -> anyhow::Result<&'a str> {
    let (from, to) = find(page, name)?;
    Ok(page[from..to].trim_matches('\n'))
}

/// The page with another text in a block.
pub(crate) fn set(page: &str, name: &str, text: &str) -> anyhow::Result<String> {
    let (from, to) = find(page, name)?;
    Ok(format!("{}\n{}\n{}", &page[..from], text.trim_matches('\n'), &page[to..]))
}

/// A text as fenced code.
pub(crate) fn code(language: &str, text: &str) -> String {
    let text = text.trim_end();
    // A fence that the text does not hold itself.
    let fence = if text.contains("```") { "````" } else { "```" };
    format!("{fence}{language}\n{text}\n{fence}")
}

/// Where the text between the markers begins and ends.
fn find(page: &str, name: &str) -> anyhow::Result<(usize, usize)> {
    let (begin, end) = (format!("<!-- {name}:begin -->"), format!("<!-- {name}:end -->"));
    let from = page.find(&begin).with_context(|| format!("there is no {begin}"))? + begin.len();
    let to = page[from..].find(&end).with_context(|| format!("there is no {end} after its begin"))? + from;
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "a\n<!-- x:begin -->\nold\n<!-- x:end -->\nb\n";

    #[test]
    fn a_block_is_replaced_and_nothing_else() {
        let page = set(PAGE, "x", "new\nlines\n").expect("a block");
        assert_eq!(page, "a\n<!-- x:begin -->\nnew\nlines\n<!-- x:end -->\nb\n");
        assert_eq!(get(&page, "x").expect("a block"), "new\nlines");
    }

    #[test]
    fn a_missing_marker_is_named() {
        assert_eq!(get(PAGE, "y").expect_err("no block").to_string(), "there is no <!-- y:begin -->");
    }

    #[test]
    fn a_fence_is_longer_than_those_inside() {
        assert_eq!(code("text", "```\n"), "````text\n```\n````");
    }
}
