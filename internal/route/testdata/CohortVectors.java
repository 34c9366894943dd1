import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** Reads lines "salt subject", both in hex, and prints "hash bucket" for each: hash in hex, unsigned. */
public class CohortVectors {
    static long hash(byte[] salt, byte[] subject) {
        long h = 0xcbf29ce484222325L;
        h = fold(h, salt);
        h = fold(h, new byte[] {0});
        h = fold(h, subject);
        h ^= h >>> 33;
        h *= 0xff51afd7ed558ccdL;
        h ^= h >>> 33;
        h *= 0xc4ceb9fe1a85ec53L;
        h ^= h >>> 33;
        return h;
    }

    static long fold(long h, byte[] bytes) {
        for (byte b : bytes) {
            h = (h ^ (b & 0xff)) * 0x100000001b3L;
        }
        return h;
    }

    public static void main(String[] args) throws Exception {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        var hex = HexFormat.of();
        for (String line; (line = in.readLine()) != null; ) {
            String[] parts = line.split(" ", -1);
            long h = hash(hex.parseHex(parts[0]), hex.parseHex(parts[1]));
            System.out.println(Long.toHexString(h) + " " + Long.remainderUnsigned(h, 10_000));
        }
    }
}
