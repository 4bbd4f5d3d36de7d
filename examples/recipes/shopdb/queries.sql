-- name: AddPurchase :exec
INSERT INTO purchases (id, email) VALUES (@id, @email);

-- name: ShipPurchase :exec
UPDATE purchases SET shipped = true WHERE id = @id;
