//! Streams of gzip that stand one behind the other.

use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};

/// Reads all members. Zeros behind one are padding, as tapes and some copies leave it.
pub(super) struct Members<R> {
    /// `None`: all were read.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(input: R) -> Self {
        Members { member: Some(GzDecoder::new(input)) }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            match member.read(buffer) {
                Ok(0) if !buffer.is_empty() => {}
                other => return other,
            }
            let Some(mut input) = self.member.take().map(GzDecoder::into_inner) else { break };
            if skip_zeros(&mut input)? {
                self.member = Some(GzDecoder::new(input));
            }
        }
        Ok(0)
    }
}

/// Answers whether anything follows.
fn skip_zeros(input: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let chunk = match input.fill_buf() {
            Ok([]) => return Ok(false),
            Ok(chunk) => chunk,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        let zeros = chunk.iter().take_while(|byte| **byte == 0).count();
        let is_all = zeros == chunk.len();
        input.consume(zeros);
        if !is_all {
            return Ok(true);
        }
    }
}
