//! What the commands print that move records to another place.

use crate::binary::{Outputs, json};
use crate::common::{Recording, run};
use spanbridge_store::StoreSink;

pub(crate) fn all(out: &mut Outputs) {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let record = Recording::of(run(1), 1, "shop").span(1, 0, "order", 0, 9);
    let receipt = StoreSink::open(from.path()).unwrap().deliver_records(1, 1, &[record]).unwrap();
    assert_eq!(receipt.rejected(), []);
    let shipped = json(from.path(), &["ship", "--once", "--to", to.path().to_str().unwrap()]);
    assert_eq!((&shipped["records"], &shipped["complete"]), (&1.into(), &true.into()));
    out.push(("ship.json", shipped));
    collected(out);
}

#[cfg(not(feature = "kafka"))]
fn collected(_: &mut Outputs) {}

/// From librdkafka's own broker, which lives in this process.
#[cfg(feature = "kafka")]
fn collected(out: &mut Outputs) {
    use rdkafka::ClientConfig;
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
    let broker = MockCluster::new(1).unwrap();
    broker.create_topic("spans", 1, 1).unwrap();
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", broker.bootstrap_servers()).create().unwrap();
    let line = Recording::of(run(1), 1, "shop").span(1, 0, "order", 0, 9).to_json();
    producer.send(BaseRecord::<(), str>::to("spans").payload(&line)).map_err(|(error, _)| error).unwrap();
    producer.flush(std::time::Duration::from_secs(60)).unwrap();
    let store = crate::binary::keep([]);
    let url = format!("kafka://{}/spans", broker.bootstrap_servers());
    let collected = json(store.path(), &["collect", "--once", "--no-trace", "--from", &url]);
    assert_eq!((&collected["records"], &collected["complete"]), (&1.into(), &true.into()));
    out.push(("collect.json", collected));
}
