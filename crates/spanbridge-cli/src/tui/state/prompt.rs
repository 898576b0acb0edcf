//! The line in which you type what to search for.

use super::key::Key;

/// Longer text is cut: nobody types it.
const MAX_CHARS: usize = 500;

/// A line of text, and the place of the cursor in it, in characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prompt {
    chars: Vec<char>,
    pub(crate) at: usize,
}

/// What a key did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// The text is another one, or the cursor moved.
    Edited,
    Accepted,
    Cancelled,
}

impl Prompt {
    pub(crate) fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().take(MAX_CHARS).collect();
        Self { at: chars.len(), chars }
    }

    pub(crate) fn text(&self) -> String {
        self.chars.iter().collect()
    }

    /// The text before the cursor.
    pub(crate) fn before(&self) -> String {
        self.chars[..self.at].iter().collect()
    }

    /// Adds text. Line breaks and other control characters become spaces: one line was asked for.
    pub(crate) fn insert(&mut self, text: &str) {
        for c in text.trim_end_matches(['\r', '\n']).chars() {
            if self.chars.len() < MAX_CHARS {
                self.chars.insert(self.at, if c.is_control() { ' ' } else { c });
                self.at += 1;
            }
        }
    }

    pub(crate) fn press(&mut self, key: Key) -> Typed {
        match key {
            Key::Enter => return Typed::Accepted,
            Key::Esc | Key::Ctrl('c') => return Typed::Cancelled,
            // One more at the beginning of an empty line leaves it.
            Key::Backspace if self.chars.is_empty() => return Typed::Cancelled,
            Key::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            Key::Backspace if self.at > 0 => {
                self.at -= 1;
                self.chars.remove(self.at);
            }
            Key::Delete if self.at < self.chars.len() => drop(self.chars.remove(self.at)),
            Key::Left => self.at = self.at.saturating_sub(1),
            Key::Right => self.at = (self.at + 1).min(self.chars.len()),
            Key::Home | Key::Ctrl('a') => self.at = 0,
            Key::End | Key::Ctrl('e') => self.at = self.chars.len(),
            Key::Ctrl('u') => {
                self.chars.drain(..self.at);
                self.at = 0;
            }
            Key::Ctrl('w') => {
                let before = &self.chars[..self.at];
                let word = before.iter().rposition(|c| *c != ' ').unwrap_or(0);
                let from = before[..word].iter().rposition(|c| *c == ' ').map_or(0, |space| space + 1);
                self.chars.drain(from..self.at);
                self.at = from;
            }
            _ => {}
        }
        Typed::Edited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[Key]) -> Prompt {
        let mut prompt = Prompt::default();
        keys.iter().for_each(|key| assert_eq!(prompt.press(*key), Typed::Edited));
        prompt
    }

    #[test]
    fn a_line_is_edited_by_characters() {
        let mut prompt = typed(&[Key::Char('注'), Key::Char('é'), Key::Char('x'), Key::Left, Key::Backspace]);
        assert_eq!((prompt.text().as_str(), prompt.before().as_str()), ("注x", "注"));
        prompt.insert("one two\u{1b}\r\n");
        assert_eq!(prompt.text(), "注one two x");
        prompt.press(Key::Ctrl('w'));
        assert_eq!(prompt.text(), "注one x");
        prompt.press(Key::Ctrl('u'));
        assert_eq!((prompt.text().as_str(), prompt.at), ("x", 0));
        prompt.press(Key::Delete);
        assert_eq!(prompt.press(Key::Delete), Typed::Edited);
        assert_eq!(prompt.press(Key::Backspace), Typed::Cancelled);
    }
}
