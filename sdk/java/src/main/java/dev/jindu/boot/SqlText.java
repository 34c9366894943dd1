package dev.jindu.boot;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;

/** Says whether a statement writes. What is not certain to read, writes. */
final class SqlText {
    private static final Set<String> READS = new HashSet<>(Arrays.asList(
            "SELECT", "SHOW", "DESC", "DESCRIBE", "USE", "SET", "BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "VALUES", "TABLE",
            "HELP", "DECLARE", "FETCH", "CLOSE", "DEALLOCATE", "DISCARD", "RESET", "ABORT", "END", "UNLOCK", "PRAGMA", "CHECK", "KILL"));

    private SqlText() {}

    static boolean writes(String sql) {
        int n = sql.length();
        int i = 0;
        while (i < n) {
            char c = sql.charAt(i);
            if (c <= ' ' || c == '(' || c == ';' || c == '\u3000' || c == '\u00a0') {
                i++;
            } else if (c == '/' && i + 1 < n && sql.charAt(i + 1) == '*') {
                if (sql.startsWith("!", i + 2) || sql.startsWith("M!", i + 2)) {
                    return true; // MySQL and MariaDB run what stands in it
                }
                int end = sql.indexOf("*/", i + 2);
                if (end < 0) {
                    return true;
                }
                i = end + 2;
            } else if (c == '#' || c == '-' && i + 1 < n && sql.charAt(i + 1) == '-') {
                int end = sql.indexOf('\n', i);
                if (end < 0) {
                    return false; // nothing but a comment
                }
                i = end + 1;
            } else {
                break;
            }
        }
        int from = i;
        while (i < n && Character.isLetter(sql.charAt(i))) {
            i++;
        }
        if (from == n) {
            return false;
        }
        String word = sql.substring(from, i).toUpperCase(Locale.ROOT);
        if (another(sql, i)) {
            return true;
        }
        switch (word) {
            case "WITH":
            case "EXPLAIN":
                String rest = sql.substring(i).toUpperCase(Locale.ROOT);
                boolean runs = word.equals("WITH") || rest.contains("ANALYZE");
                return runs && (rest.contains("INSERT") || rest.contains("UPDATE") || rest.contains("DELETE") || rest.contains("MERGE"));
            case "SELECT":
                return into(sql, i);
            default:
                return !READS.contains(word);
        }
    }

    /** SELECT ... INTO writes a table or a file. */
    private static boolean into(String sql, int from) {
        for (int i = sql.indexOf('I', from), k = sql.indexOf('i', from); i >= 0 || k >= 0; ) {
            int at = i < 0 ? k : k < 0 ? i : Math.min(i, k);
            if (sql.regionMatches(true, at, "INTO", 0, 4) && at > 0 && at + 4 < sql.length()
                    && !Character.isLetterOrDigit(sql.charAt(at - 1)) && Character.isWhitespace(sql.charAt(at + 4)) && sql.charAt(at - 1) != '_') {
                return true;
            }
            if (at == i) {
                i = sql.indexOf('I', at + 1);
            } else {
                k = sql.indexOf('i', at + 1);
            }
        }
        return false;
    }

    /** Says whether a second statement follows: then the first word does not tell. */
    private static boolean another(String sql, int from) {
        int semicolon = sql.indexOf(';', from);
        if (semicolon < 0) {
            return false;
        }
        char quote = 0;
        for (int i = from; i < sql.length(); i++) {
            char c = sql.charAt(i);
            if (quote != 0) {
                if (c == '\\' && quote != '`') {
                    return true; // whether it escapes depends on the database
                }
                if (c == quote) {
                    quote = 0;
                }
            } else if (c == '\'' || c == '"' || c == '`') {
                quote = c;
            } else if (c == ';' && !sql.substring(i + 1).trim().isEmpty()) {
                return true;
            }
        }
        return quote != 0;
    }
}
