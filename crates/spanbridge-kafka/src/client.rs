//! What librdkafka knows about a client and rdkafka has no method for.

use rdkafka::Message;
use rdkafka::bindings::{
    rd_kafka_conf, rd_kafka_conf_get, rd_kafka_get_watermark_offsets, rd_kafka_name, rd_kafka_offset_store,
};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;
use rdkafka::types::{RDKafka, RDKafkaConfRes, RDKafkaRespErr};
use std::ffi::{CStr, CString};
use std::ptr::null_mut;

/// The number of bytes of a client's name that librdkafka keeps.
pub(crate) const MAX_NAME_BYTES: usize = 127;

/// A client of librdkafka.
///
/// # Safety
/// `native` returns the pointer of a client that lives as long as `self`.
pub unsafe trait Client {
    fn native(&self) -> *mut RDKafka;

    /// Identifies the client within this process: its address and its name, `<client id>#<kind>-<number>`. The number
    /// tells it from an earlier client at the same address, unless librdkafka has cut the name short.
    fn identity(&self) -> (usize, &CStr) {
        // SAFETY: the pointer is valid, by this trait's contract; the name is a C string that lives as long.
        let name = unsafe { CStr::from_ptr(rd_kafka_name(self.native())) };
        (self.native().addr(), name)
    }

    /// A setting of the client; `None` if it is unknown or empty.
    fn setting(&self, key: &CStr) -> Option<String> {
        // SAFETY: the pointer is valid, by this trait's contract, and so is its configuration.
        let conf = unsafe { rd_kafka_conf(self.native()) };
        let mut size = 0;
        // SAFETY: without a buffer, librdkafka only reports the size it needs.
        let known = unsafe { rd_kafka_conf_get(conf, key.as_ptr(), null_mut(), &mut size) };
        if known != RDKafkaConfRes::RD_KAFKA_CONF_OK || size == 0 {
            return None;
        }
        let mut value = vec![0u8; size];
        // SAFETY: the buffer is as large as it says.
        unsafe { rd_kafka_conf_get(conf, key.as_ptr(), value.as_mut_ptr().cast(), &mut size) };
        let value = CStr::from_bytes_until_nul(&value).ok()?.to_str().ok()?;
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The partition's high watermark (the offset of its next message), as the client last heard it. Sends no request.
    fn high_watermark(&self, topic: &str, partition: i32) -> Option<i64> {
        let topic = CString::new(topic).ok()?;
        let (mut low, mut high) = (-1, -1);
        // SAFETY: the pointer is valid, by this trait's contract; the topic is a C string.
        let known =
            unsafe { rd_kafka_get_watermark_offsets(self.native(), topic.as_ptr(), partition, &mut low, &mut high) };
        (known == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0).then_some(high)
    }
}

/// Stores a message's offset with the consumer that it borrows from, as rdkafka's `store_offset_from_message` does.
pub(crate) fn store_offset(message: &BorrowedMessage<'_>) -> KafkaResult<()> {
    // SAFETY: the message and its topic are valid while they are borrowed, and so is the consumer.
    let stored = unsafe { rd_kafka_offset_store(message.topic_ptr(), message.partition(), message.offset()) };
    match stored {
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        error => Err(KafkaError::StoreOffset(error.into())),
    }
}
