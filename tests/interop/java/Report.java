import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A JSON object a line, on standard output. */
final class Report {
    /** Headers as pairs, in their order: a name may come twice. */
    static final class Headers {
        private final List<String> pairs = new ArrayList<>();

        void add(String name, byte[] value) {
            pairs.add("[" + quoted(name) + "," + (value == null ? "null" : quoted(new String(value))) + "]");
        }
    }

    static void line(Map<String, Object> fields) {
        String text = fields.entrySet().stream()
                .map(field -> quoted(field.getKey()) + ":" + value(field.getValue()))
                .collect(Collectors.joining(",", "{", "}"));
        System.out.println(text);
    }

    private static String value(Object value) {
        if (value instanceof Headers headers) {
            return String.join(",", headers.pairs).transform(pairs -> "[" + pairs + "]");
        }
        return value instanceof String text ? quoted(text) : value.toString();
    }

    private static String quoted(String text) {
        var out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }
}
