//! Pages that are what they say. The decoders of the library take memory for what a page claims, and some end the thread when it is not
//! there, so a page is looked at before they are.

use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// All pages of a row group that are in memory at once may have so many bytes together.
const MAX_HELD_BYTES: usize = 512 << 20;

/// Some rows that are read together may have so many values of a column.
pub(super) const MAX_VALUES_AT_ONCE: usize = 1 << 22;

/// What all columns of a row group share.
#[derive(Default)]
pub(super) struct Budget {
    held_bytes: AtomicUsize,
    /// The values of the pages of a column that were begun since it was set to 0.
    pub(super) values: AtomicUsize,
}

/// The pages of a column.
pub(super) struct CheckedPages<P> {
    pages: P,
    budget: Arc<Budget>,
    /// Whether values have repetition and definition levels.
    has_levels: [bool; 2],
    /// The page after the one that was given last. The library asks whether there is one.
    next: Option<Option<Page>>,
    has_dictionary: bool,
    /// The bytes of the dictionary, and of the two pages that were taken last.
    held: [usize; 3],
}

impl<P: PageReader> CheckedPages<P> {
    pub(super) fn new(pages: P, budget: Arc<Budget>, has_levels: [bool; 2]) -> Self {
        Self { pages, budget, has_levels, next: None, has_dictionary: false, held: [0; 3] }
    }

    fn take(&mut self) -> Result<Option<Page>> {
        let Some(page) = self.pages.get_next_page()? else { return Ok(None) };
        self.check(&page)?;
        let bytes = page.buffer().len();
        let freed = match page.is_dictionary_page() {
            true => std::mem::replace(&mut self.held[0], bytes),
            false => {
                let [_, before, last] = &mut self.held;
                std::mem::replace(before, std::mem::replace(last, bytes))
            }
        };
        let held = self.budget.held_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.budget.held_bytes.fetch_sub(freed, Ordering::Relaxed);
        if held > MAX_HELD_BYTES {
            return Err(general(format!("its pages take more than {} MiB at once", MAX_HELD_BYTES >> 20)));
        }
        Ok(Some(page))
    }

    fn check(&mut self, page: &Page) -> Result<()> {
        let (values, length) = (page.num_values() as usize, page.buffer().len());
        match page {
            Page::DictionaryPage { .. } => {
                // A text takes 4 bytes or more, a number 8.
                if self.has_dictionary || values > length / 4 {
                    return Err(general("a dictionary cannot have as many values as it says".to_owned()));
                }
                self.has_dictionary = true;
                return Ok(());
            }
            Page::DataPage { buf, encoding, def_level_encoding, rep_level_encoding, .. } => {
                let mut values_at = 0;
                for (has, level_encoding) in self.has_levels.into_iter().zip([rep_level_encoding, def_level_encoding]) {
                    if has {
                        let claimed =
                            buf.get(values_at..).and_then(<[u8]>::first_chunk).map(|b| u32::from_le_bytes(*b));
                        let length = claimed.filter(|_| *level_encoding == Encoding::RLE).ok_or_else(no_levels)?;
                        values_at += 4 + length as usize;
                    }
                }
                self.check_values(*encoding, buf.get(values_at..).ok_or_else(no_levels)?, values)?;
            }
            Page::DataPageV2 { buf, encoding, num_nulls, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let levels = (*def_levels_byte_len as usize).saturating_add(*rep_levels_byte_len as usize);
                let there = buf.get(levels..).filter(|_| *num_nulls as usize <= values).ok_or_else(no_levels)?;
                self.check_values(*encoding, there, values)?;
            }
        }
        Ok(())
    }

    /// Of a page with so many values, of which some may be null.
    fn check_values(&self, encoding: Encoding, data: &[u8], values: usize) -> Result<()> {
        if values > MAX_VALUES_AT_ONCE {
            return Err(general(format!("a page says that it has {values} values")));
        }
        let fits = match encoding {
            Encoding::PLAIN => true,
            Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY => self.has_dictionary,
            Encoding::DELTA_BINARY_PACKED | Encoding::DELTA_LENGTH_BYTE_ARRAY => {
                delta_count(data).is_some_and(|count| count <= values as u64)
            }
            other => return Err(general(format!("values in the encoding {other} are not read here"))),
        };
        if fits { Ok(()) } else { Err(general("the values of a page are not as its header says".to_owned())) }
    }

    fn ahead(&mut self) -> Result<&Option<Page>> {
        if self.next.is_none() {
            self.next = Some(self.take()?);
        }
        Ok(self.next.as_ref().unwrap_or(&None))
    }
}

fn general(why: String) -> ParquetError {
    ParquetError::General(why)
}

fn no_levels() -> ParquetError {
    general("the levels of a page are not as its header says".to_owned())
}

/// How many values a block of differences says that it has: the third of the numbers that it begins with.
fn delta_count(data: &[u8]) -> Option<u64> {
    let mut bytes = data.iter();
    let mut number = || {
        let mut number = 0u64;
        for shift in (0..63).step_by(7) {
            let byte = bytes.next()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    };
    let (block, parts) = (number()?, number()?);
    // As the specification has it.
    let is_block =
        block > 0 && block <= 1 << 16 && block % 128 == 0 && parts > 0 && block % parts == 0 && block / parts % 32 == 0;
    is_block.then(number)?
}

impl<P: PageReader> PageReader for CheckedPages<P> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = match self.next.take() {
            Some(page) => page,
            None => self.take()?,
        };
        if let Some(page) = page.as_ref().filter(|page| page.is_data_page()) {
            let values = page.num_values() as usize;
            if self.budget.values.fetch_add(values, Ordering::Relaxed) + values > 2 * MAX_VALUES_AT_ONCE {
                return Err(general("a row has too many values".to_owned()));
            }
        }
        Ok(page)
    }

    /// Never of the pages below, which would read the header of a page twice.
    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        let values = |page: &Page| page.num_values() as usize;
        Ok(self.ahead()?.as_ref().map(|page| PageMetadata {
            num_rows: matches!(page, Page::DataPageV2 { .. }).then(|| values(page)),
            num_levels: Some(values(page)),
            is_dict: page.is_dictionary_page(),
        }))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.get_next_page().map(drop)
    }
}

impl<P: PageReader> Iterator for CheckedPages<P> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}
