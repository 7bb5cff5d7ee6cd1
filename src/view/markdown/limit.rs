//! A page that ends before a comment on a pull request would be refused.
//!
//! Takes parts, keeps those that there is room for, and counts what is left out.

/// How long a page may be. GitHub takes 65,536 characters in a comment, and a workflow may write
/// something around ours.
const LONGEST: usize = 60_000;

/// A page with what it has room for.
pub(in crate::view) struct Page {
    text: String,
    left_out: usize,
}

impl Page {
    /// A page that begins with a text.
    pub(in crate::view) fn new(text: String) -> Self {
        Self { text, left_out: 0 }
    }

    /// Adds a part as a whole, or counts it as left out.
    pub(in crate::view) fn put(&mut self, part: &str) {
        if self.text.len() + part.len() > LONGEST {
            self.left_out += 1;
        } else {
            self.text.push_str(part);
        }
    }

    /// The page; at its end how much was left out, where anything was, and who tells it.
    pub(in crate::view) fn end(self, whole: &str) -> String {
        let Self { mut text, left_out } = self;
        if left_out > 0 {
            text.push_str(&format!(
                "\nNot everything has room here: {left_out} left out. {whole} tells all of it.\n"
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_counted_and_the_rest_is_there() {
        let mut page = Page::new("begin\n".to_owned());
        page.put(&"x".repeat(LONGEST));
        page.put("small\n");
        assert_eq!(
            page.end("`it`"),
            "begin\nsmall\n\nNot everything has room here: 1 left out. `it` tells all of it.\n"
        );
        assert_eq!(Page::new("all\n".to_owned()).end("`it`"), "all\n");
    }
}
