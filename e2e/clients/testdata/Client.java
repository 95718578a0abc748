import java.io.StringReader;
import java.sql.*;
import org.postgresql.PGConnection;
import org.postgresql.largeobject.LargeObject;
import org.postgresql.largeobject.LargeObjectManager;

/** A client of a cluster, as an application would be. It ends with an exception at the first thing that is not as it should be. */
public class Client {
	public static void main(String[] args) throws Exception {
		try (Connection c = DriverManager.getConnection(args[0])) {
			try (Statement s = c.createStatement()) {
				s.execute("CREATE TABLE java_rows (k bigserial PRIMARY KEY, v text, n numeric(10,2), b bytea)");
			}
			prepared(c);
			savepoint(c);
			copy(c);
			fetchedInPieces(c);
			largeObject(c);
			refused(c);
		}
		System.out.println("done");
	}

	static void check(boolean holds, String what) {
		if (!holds) {
			throw new IllegalStateException(what);
		}
	}

	/** More executions than the driver's threshold for server-side statements, then batches. */
	static void prepared(Connection c) throws SQLException {
		try (PreparedStatement s = c.prepareStatement("INSERT INTO java_rows (v, n, b) VALUES (?, ?, ?)", Statement.RETURN_GENERATED_KEYS)) {
			for (int i = 1; i <= 20; i++) {
				s.setString(1, "prepared");
				s.setBigDecimal(2, java.math.BigDecimal.valueOf(i, 2));
				s.setBytes(3, new byte[] {0, (byte) i, (byte) 255});
				s.executeUpdate();
				try (ResultSet keys = s.getGeneratedKeys()) {
					check(keys.next() && keys.getLong(1) == i, "generated key of row " + i);
				}
			}
		}
		c.setAutoCommit(false);
		try (PreparedStatement s = c.prepareStatement("INSERT INTO java_rows (v) VALUES (?)")) {
			for (int i = 0; i < 500; i++) {
				s.setString(1, "batched");
				s.addBatch();
			}
			check(s.executeBatch().length == 500, "batch");
		}
		c.commit();
	}

	static void savepoint(Connection c) throws SQLException {
		try (Statement s = c.createStatement()) {
			s.executeUpdate("INSERT INTO java_rows (v) VALUES ('before')");
			Savepoint p = c.setSavepoint();
			try {
				s.executeUpdate("INSERT INTO java_rows (k) VALUES (1)");
				check(false, "the same key twice");
			} catch (SQLException e) {
				check(e.getSQLState().equals("23505"), e.getSQLState());
			}
			c.rollback(p);
			s.executeUpdate("INSERT INTO java_rows (v) VALUES ('after')");
		}
		c.commit();
	}

	static void copy(Connection c) throws Exception {
		StringBuilder rows = new StringBuilder();
		for (int i = 0; i < 1000; i++) {
			rows.append("copied\t").append(i).append('\n');
		}
		long n = c.unwrap(PGConnection.class).getCopyAPI().copyIn("COPY java_rows (v, n) FROM STDIN", new StringReader(rows.toString()));
		check(n == 1000, "copied " + n);
		c.commit();
	}

	static void fetchedInPieces(Connection c) throws SQLException {
		int n = 0;
		try (Statement s = c.createStatement()) {
			s.setFetchSize(100);
			try (ResultSet r = s.executeQuery("SELECT * FROM java_rows")) {
				while (r.next()) {
					n++;
				}
			}
		}
		c.commit();
		check(n == 20 + 500 + 2 + 1000, "rows: " + n);
	}

	/** By the driver's own interface, which calls functions past SQL, and by Blob. */
	static void largeObject(Connection c) throws Exception {
		LargeObjectManager manager = c.unwrap(PGConnection.class).getLargeObjectAPI();
		byte[] bytes = new byte[100000];
		java.util.Arrays.fill(bytes, (byte) 7);
		long oid = manager.createLO();
		LargeObject object = manager.open(oid, LargeObjectManager.READWRITE);
		object.write(bytes);
		object.seek(50000);
		object.write("in the middle".getBytes());
		Savepoint p = c.setSavepoint();
		object.truncate(10);
		c.rollback(p);
		c.commit();
		object = manager.open(oid, LargeObjectManager.READ);
		check(object.size() == bytes.length, "size of a large object: " + object.size());
		object.seek(50000);
		check(new String(object.read(13)).equals("in the middle"), "bytes of a large object");
		c.commit();
		try (Statement s = c.createStatement()) {
			s.execute("CREATE TABLE java_blobs (k int PRIMARY KEY, b oid)");
		}
		try (PreparedStatement s = c.prepareStatement("INSERT INTO java_blobs VALUES (1, ?), (2, " + oid + ")")) {
			s.setBlob(1, new java.io.ByteArrayInputStream(bytes), bytes.length);
			s.executeUpdate();
		}
		c.commit();
		try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("SELECT b FROM java_blobs WHERE k = 1")) {
			check(r.next() && r.getBlob(1).length() == bytes.length, "blob");
		}
		manager.unlink(oid);
		c.commit();
	}

	static void refused(Connection c) throws SQLException {
		try (Statement s = c.createStatement()) {
			s.execute("PREPARE TRANSACTION 'two phases'");
			check(false, "PREPARE TRANSACTION was not refused");
		} catch (SQLException e) {
			c.rollback();
		}
		c.setReadOnly(true);
		try (Statement s = c.createStatement()) {
			s.executeUpdate("DELETE FROM java_rows");
			check(false, "a read-only transaction wrote");
		} catch (SQLException e) {
			check(e.getSQLState().equals("25006"), e.getSQLState());
		}
		c.rollback();
		c.setReadOnly(false);
	}
}
