//! The directory of a delivery, and the columns in it: nothing is trusted, whatever is there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge_store::delivery::{Aggregates, BlockList, IdPairs, RunIds, run_heads_hold};
use spanbridge_store::log::{Columns, Directory};

fuzz_target!(|input: (&[u8], [&[u8]; 4], u64)| {
    let (bytes, [one, two, three, four], n) = input;
    if let Some(directory) = Directory::read(bytes) {
        assert!(directory.block_lengths().count() <= bytes.len());
        assert!(directory.first_at <= directory.last_at);
        columns(&directory.columns, n);
    }
    let columns_of = Columns {
        block_list: one,
        run_heads: two,
        run_tails: two,
        traces: three,
        parents: three,
        links: three,
        aggregates: four,
        span_heads: two,
    };
    columns(&columns_of, n);
});

fn columns(columns: &Columns<'_>, n: u64) {
    let some = n as usize % 300;
    if let Some(list) = BlockList::read(columns.block_list) {
        assert!(list.holding(some).all(|block| block < list.count()));
        let range = n as u32..=(n >> 32) as u32;
        for blocks in
            [list.holding_spans(columns.span_heads, range), list.holding_spans(columns.span_heads, 0..=u32::MAX)]
        {
            assert!(blocks.is_none_or(|blocks| blocks.iter().all(|block| *block < list.count())));
        }
    }
    if let Some(runs) = RunIds::new(columns.run_heads, columns.run_tails) {
        assert_eq!(runs.get(runs.count()), None);
        for place in 0..runs.count() {
            let run = runs.get(place).expect("within the count");
            // Whatever order they are in, what is found is what was looked for.
            let found = runs.find(run);
            assert!(found.is_none_or(|found| runs.get(found) == Some(run)));
            let _ = run_heads_hold(columns.run_heads, run);
        }
        assert!(runs.within(0..=u128::MAX).count() <= runs.count());
    }
    for pairs in [columns.traces, columns.parents, columns.links] {
        if let Some(pairs) = IdPairs::new(pairs) {
            let low = u128::from(n) << 64;
            assert!(pairs.within(low..=u128::MAX).all(|(id, _)| id >= low));
        }
    }
    if let Some(mut all) = Aggregates::read(columns.aggregates, n) {
        assert!(all.names().len() <= columns.aggregates.len());
        for _ in 0..columns.aggregates.len() + 1 {
            if all.read_next().is_none() {
                break;
            }
        }
    }
}
